using System.Globalization;
using Benchmarks;

// A suite is a file with a method: add it here.
var suites = new SortedDictionary<string, Func<BenchmarkOptions, Task>>(StringComparer.Ordinal)
{
    ["commands"] = CommandsSuite.RunAsync,
    ["compare"] = CompareSuite.RunAsync,
    ["create"] = CreateSuite.RunAsync,
    ["feed"] = FeedSuite.RunAsync,
    ["group-commit"] = GroupCommitSuite.RunAsync,
    ["growth"] = GrowthSuite.RunAsync,
    ["lag"] = LagSuite.RunAsync,
    ["load"] = LoadSuite.RunAsync,
    ["overload"] = OverloadSuite.RunAsync,
    ["profile"] = ProfileSuite.RunAsync,
    ["queries"] = QueriesSuite.RunAsync,
    ["rebuild"] = RebuildSuite.RunAsync,
};
var each = suites.Where(suite => suite.Key is not ("compare" or "profile")).ToArray();
suites["all"] = async options =>
{
    foreach (var (_, runSuite) in each)
    {
        await runSuite(options);
    }
};

if (args is [EchoServer.Argument])
{
    await EchoServer.RunAsync();
    return 0;
}

var (database, server, size, seconds, load) = (BenchmarkDatabase.Sqlite, (string?)null, (int?)null, (int?)null, (string?)null);
for (var index = 1; index < args.Length; index += 2)
{
    switch (args[index..])
    {
        case ["--database", BenchmarkDatabase.Sqlite or BenchmarkDatabase.PostgreSql, ..]:
            database = args[index + 1];
            break;
        case ["--server", _, ..]:
            server = Path.GetFullPath(args[index + 1]);
            break;
        case ["--size", var text, ..] when int.TryParse(text, CultureInfo.InvariantCulture, out var number) && number >= 1_000:
            size = number;
            break;
        case ["--seconds", var text, ..] when int.TryParse(text, CultureInfo.InvariantCulture, out var number) && number >= 1:
            seconds = number;
            break;
        case ["--load", var name, ..] when ProfileSuite.Loads.Contains(name):
            load = name;
            break;
        case ["--rounds", var text, ..] when int.TryParse(text, CultureInfo.InvariantCulture, out var number) && number >= 1:
            Rounds.Count = number;
            break;
        default:
            return Usage();
    }
}

if (args.Length == 0 || !suites.TryGetValue(args[0], out var run))
{
    return Usage();
}

await run(new BenchmarkOptions(database, server, size, seconds, load));

// A suite that cannot run here has set it.
return Environment.ExitCode;

int Usage()
{
    Console.Error.WriteLine(
        $"usage: Benchmarks {string.Join('|', suites.Keys)} [--database sqlite|postgresql] [--server PATH/Blog.Server.dll] [--size N, at least 1000] [--seconds N] [--rounds N] [--load {string.Join('|', ProfileSuite.Loads)}]");
    return 2;
}
