using Benchmarks;

// A suite is a file with a method: add it here.
var suites = new SortedDictionary<string, Func<BenchmarkOptions, Task>>(StringComparer.Ordinal)
{
    ["commands"] = CommandsSuite.RunAsync,
    ["compare"] = CompareSuite.RunAsync,
    ["create"] = CreateSuite.RunAsync,
    ["group-commit"] = GroupCommitSuite.RunAsync,
};

if (args is [EchoServer.Argument])
{
    await EchoServer.RunAsync();
    return 0;
}

var (database, server) = (BenchmarkDatabase.Sqlite, (string?)null);
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
        default:
            return Usage();
    }
}

if (args.Length == 0 || !suites.TryGetValue(args[0], out var run))
{
    return Usage();
}

await run(new BenchmarkOptions(database, server));
return 0;

int Usage()
{
    Console.Error.WriteLine($"usage: Benchmarks {string.Join('|', suites.Keys)} [--database sqlite|postgresql] [--server PATH/Blog.Server.dll]");
    return 2;
}
