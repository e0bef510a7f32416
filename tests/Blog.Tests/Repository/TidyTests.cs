using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Xunit;

namespace Blog.Tests.Repository;

/// <summary>What keeps the repository in order.</summary>
public sealed partial class TidyTests
{
    /// <summary>Beyond this a file holds more than one thing.</summary>
    private const int MaxLines = 450;

    /// <summary>All projects but those that templates make new ones from.</summary>
    private static IEnumerable<string> Projects => Checkout.TrackedFiles.Where(file =>
        file.EndsWith(".csproj", StringComparison.Ordinal) && !file.StartsWith("templates/", StringComparison.Ordinal));

    private static IEnumerable<string> Sources => Checkout.TrackedFiles.Where(file =>
        Path.GetExtension(file) is ".cs" or ".proto" or ".csproj" or ".props" or ".targets" or ".json" or ".yml" or ".yaml" or ".md" or ".sh" or ".py");

    [Fact]
    public void No_source_holds_a_promise_to_do_something_later() =>
        AssertNone(Sources.Where(file => Promise().IsMatch(Checkout.Read(file))), "must not be put off");

    [Fact]
    public void No_source_is_longer_than_450_lines() =>
        AssertNone(
            Sources.Where(file => !file.Contains("/Migrations/", StringComparison.Ordinal) && File.ReadLines(Checkout.PathOf(file)).Count() > MaxLines),
            $"must have at most {MaxLines} lines");

    [Fact]
    public void No_source_is_empty_and_no_folder_is_kept_for_nothing()
    {
        AssertNone(Checkout.TrackedFiles.Where(file => Path.GetFileName(file) is ".gitkeep" or ".keep" or ".placeholder"), "keeps an empty folder");
        AssertNone(Sources.Where(file => string.IsNullOrWhiteSpace(Checkout.Read(file))), "is empty");
    }

    [Fact]
    public void Every_project_is_in_the_solution()
    {
        var solution = Checkout.Read("GrpcCqrs.sln").Replace('\\', '/');
        AssertNone(Projects.Where(file => !solution.Contains($"\"{file}\"", StringComparison.Ordinal)), "must be in GrpcCqrs.sln");
    }

    [Fact]
    public void Every_package_version_is_exact_and_used()
    {
        var versions = XDocument.Parse(Checkout.Read("Directory.Packages.props")).Descendants("PackageVersion").ToArray();
        AssertNone(versions.Where(version => !ExactVersion().IsMatch(version.Attribute("Version")!.Value)).Select(NameOf), "must have an exact version");

        // Some are pinned without being named by a project; that they are used is known only once every project is restored.
        string[] assets = [.. Projects.Select(file => Checkout.PathOf(Path.Combine(Path.GetDirectoryName(file)!, "obj", "project.assets.json")))];
        if (Array.TrueForAll(assets, File.Exists))
        {
            var used = assets.SelectMany(PackagesIn).ToHashSet(StringComparer.OrdinalIgnoreCase);
            AssertNone(versions.Select(NameOf).Where(name => !used.Contains(name)), "is used by no project");
        }

        static string NameOf(XElement version) => version.Attribute("Include")!.Value;
    }

    [Fact]
    public void Every_rpc_has_a_comment_that_begins_with_its_name()
    {
        foreach (var file in Checkout.TrackedFiles.Where(file => OurProto().IsMatch(file)))
        {
            var lines = File.ReadAllLines(Checkout.PathOf(file));
            for (var index = 0; index < lines.Length; index++)
            {
                if (Rpc().Match(lines[index]) is { Success: true } rpc)
                {
                    var first = lines[..index].Reverse().TakeWhile(line => line.TrimStart().StartsWith("//", StringComparison.Ordinal)).LastOrDefault("");
                    Assert.True(
                        first.TrimStart().StartsWith($"// {rpc.Groups["name"].Value} ", StringComparison.Ordinal),
                        $"{file}({index + 1}): the comment on {rpc.Groups["name"].Value} must begin with its name.");
                }
            }
        }
    }

    private static void AssertNone(IEnumerable<string> offenders, string problem)
    {
        string[] all = [.. offenders];
        Assert.True(all.Length == 0, string.Join('\n', all.Select(offender => $"{offender} {problem}.")));
    }

    /// <summary>The names of the packages, and of the projects in their place, that a restored project got.</summary>
    private static string[] PackagesIn(string assets)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(assets));
        return [.. json.RootElement.GetProperty("libraries").EnumerateObject().Select(library => library.Name.Split('/')[0])];
    }

    [GeneratedRegex(@"\b(TO" + @"DO|FIX" + @"ME)\b", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Promise();

    [GeneratedRegex(@"^\d+(\.\d+){1,3}(-[0-9A-Za-z.-]+)?$", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex ExactVersion();

    /// <summary>The contracts but those of gRPC itself, which are as published.</summary>
    [GeneratedRegex(@"^protos/(?!grpc/).*\.proto$", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex OurProto();

    [GeneratedRegex(@"^\s*rpc\s+(?<name>\w+)", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Rpc();
}
