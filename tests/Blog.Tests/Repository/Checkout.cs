using System.Diagnostics;
using System.Reflection;

namespace Blog.Tests.Repository;

/// <summary>The files of the repository that the tests were built from.</summary>
internal static class Checkout
{
    public static string Root { get; } = typeof(Checkout).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(attribute => attribute.Key == "RepositoryRoot").Value!;

    /// <summary>The files that git tracks and that are there, relative to the root, with slashes.</summary>
    public static IReadOnlyList<string> TrackedFiles { get; } =
        [.. Git("ls-files", "-z").Split('\0', StringSplitOptions.RemoveEmptyEntries).Where(path => File.Exists(PathOf(path)))];

    public static string PathOf(string file) => Path.Combine(Root, file);

    public static string Read(string file) => File.ReadAllText(PathOf(file));

    private static string Git(params string[] arguments)
    {
        var start = new ProcessStartInfo("git", ["-C", Root, .. arguments]) { RedirectStandardOutput = true, UseShellExecute = false };
        using var git = Process.Start(start) ?? throw new InvalidOperationException("git did not start.");
        var output = git.StandardOutput.ReadToEnd();
        git.WaitForExit();
        return git.ExitCode == 0 ? output : throw new InvalidOperationException($"git ended with {git.ExitCode}.");
    }
}
