using System.CommandLine;
using System.CommandLine.Invocation;
using System.Globalization;
using Spectre.Console;

namespace BlogImporter;

/// <summary>The command line: what it takes, and how it becomes an import.</summary>
internal static class ImporterCommandLine
{
    private const string DefaultServer = "http://localhost:5000";

    /// <summary>Far past it, more calls under way only wait for each other in the service.</summary>
    private const int MaxParallel = 256;

    /// <summary>In characters. Redirected output has no terminal's width; tables keep to this one.</summary>
    private const int RedirectedWidth = 200;

    /// <summary>How long the import may take to stop in good order after Ctrl+C.</summary>
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(15);

    private static readonly Argument<string?> File = new("file")
    {
        Description = "The history as JSON lines, plain or compressed by gzip.", Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Option<string?> Git = new("--git")
    {
        Description = "A git repository of Markdown posts, in place of a file. Its first-parent history is read, "
            + "oldest commit first: a merge counts as one change.",
    };

    private static readonly Option<string> Path = new("--path")
    {
        Description = "With --git: only this folder, from the repository's root.",
        DefaultValueFactory = _ => "",
    };

    private static readonly Option<string> Branch = new("--branch")
    {
        Description = "With --git: the branch, tag or commit to read.",
        DefaultValueFactory = _ => "HEAD",
    };

    private static readonly Option<string> Server = new("--server")
    {
        Description = "Where the Blog service serves gRPC.",
        DefaultValueFactory = _ => DefaultServer,
    };

    private static readonly Option<int> Parallel = Number(
        "--parallel", "How many posts are worked on at the same time.", 8, 1, MaxParallel);

    private static readonly Option<int> RetryFor = Number(
        "--retry-for", "How many seconds a call is repeated while the service does not answer.", 60, 0, 86_400);

    private static readonly Option<bool> Draft = new("--draft")
    {
        Description = "Leave the posts as drafts. Otherwise each is published right after it was created; "
            + "a later run without the option publishes them then.",
    };

    private static readonly Option<bool> Verify = new("--verify")
    {
        Description = "Read every post back afterwards and compare it with the history.",
    };

    private static readonly Option<int> VerifyHistory = Number(
        "--verify-history", "Read every version of this many posts, spread over the history, and compare.", 0, 0, int.MaxValue);

    private static readonly Option<bool> Quiet = new("--quiet") { Description = "Print only what went wrong." };

    /// <summary>Runs the program.</summary>
    /// <returns>The exit code: 0 all good, 1 something was rejected or differs, 2 could not run or not to the end.</returns>
    public static async Task<int> RunAsync(string[] args)
    {
        var command = new RootCommand("Imports a blog's edit history into the Blog service. Safe to run again: what was done is not done twice.")
        {
            File, Git, Path, Branch, Server, Parallel, RetryFor, Draft, Verify, VerifyHistory, Quiet,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(File) is null == result.GetValue(Git) is null)
            {
                result.AddError("Name either a file or, with --git, a repository.");
            }
            else if (!TryServer(result.GetValue(Server) ?? DefaultServer, out _))
            {
                result.AddError($"--server must be an address such as {DefaultServer}.");
            }
        });
        command.SetAction((parsed, stop) => ImportAsync(parsed, stop));

        var parsed = command.Parse(args);
        if (parsed.Action is ParseErrorAction onError)
        {
            onError.ShowHelp = false;
        }

        var exitCode = await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = StopTimeout });
        return parsed.Errors.Count > 0 ? Importer.NotFinished : exitCode;
    }

    private static async Task<int> ImportAsync(ParseResult parsed, CancellationToken stop)
    {
        var server = parsed.GetValue(Server)!;
        _ = TryServer(server, out var address);
        var options = new ImporterOptions
        {
            Server = address!,
            Parallel = parsed.GetValue(Parallel),
            RetryFor = TimeSpan.FromSeconds(parsed.GetValue(RetryFor)),
            LeaveDrafts = parsed.GetValue(Draft),
            Verify = parsed.GetValue(Verify),
            VerifyHistories = parsed.GetValue(VerifyHistory),
            Quiet = parsed.GetValue(Quiet),
        };
        IHistory history = parsed.GetValue(Git) is { } repository
            ? new GitHistory(repository, parsed.GetValue(Path)!, parsed.GetValue(Branch)!)
            : new JsonLinesHistory(parsed.GetValue(File)!);
        var output = ConsoleFor(Console.Out, Console.IsOutputRedirected);
        return await new Importer(options, history, output, Console.Error, TimeProvider.System).RunAsync(stop);
    }

    /// <summary>An option that takes a whole number within bounds.</summary>
    private static Option<int> Number(string name, string description, int usual, int min, int max) => new(name)
    {
        Description = $"{description} {min} to {max}.",
        DefaultValueFactory = _ => usual,
        CustomParser = result =>
        {
            if (!int.TryParse(result.Tokens.Single().Value, CultureInfo.InvariantCulture, out var value) || value < min || value > max)
            {
                result.AddError($"{name} must be a number, {min} to {max}.");
            }

            return value;
        },
    };

    private static bool TryServer(string server, out Uri? address) =>
        Uri.TryCreate(server, UriKind.Absolute, out address) && address.Scheme is "http" or "https" && address.Host.Length > 0;

    private static IAnsiConsole ConsoleFor(TextWriter writer, bool isRedirected)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(writer),
            Ansi = isRedirected ? AnsiSupport.No : AnsiSupport.Detect,
            Interactive = isRedirected ? InteractionSupport.No : InteractionSupport.Detect,
        });
        if (isRedirected)
        {
            console.Profile.Width = RedirectedWidth;
        }

        return console;
    }
}
