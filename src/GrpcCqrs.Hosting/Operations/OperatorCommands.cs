using System.Data.Common;
using System.Globalization;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Operations;
using GrpcCqrs.Storage.Projections;
using GrpcCqrs.Storage.Schema;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace GrpcCqrs.Hosting;

/// <summary>The entry point of a service's program: runs the service, or an operator's command.</summary>
public static class OperatorCommands
{
    private const string Usage = """
        Without a command the program serves. Settings, such as --Storage:Directory=data, may stand behind a command:
          verify                       walk the event log's hash chain
          projections                  how the read model is doing
          rebuild NAME...|all [--hold] fill the tables anew beside the live ones; with --hold a difference waits for a decision
          parked [READER]              events that could not be handled, of a projection or of consumerGroups/NAME
          retry READER [STREAM]        handle parked events again
          skip READER POSITION         leave an event out for good
          audit [--all]                compare 100 streams, or all, with a fold of their events
          schema --script [GENERATION] print the statements that make both databases, with that generation of the read tables (1)
        """;

    /// <summary>
    /// Runs the program. Without a command it serves until it is stopped. <c>verify</c> verifies the event log's hash
    /// chain; like <c>projections</c> and <c>parked</c> it creates and changes nothing. <c>rebuild</c>, <c>retry</c>,
    /// <c>skip</c> and <c>audit</c> are requests to the service, which must be running elsewhere. Errors before the
    /// service starts serving are printed in one line.
    /// </summary>
    /// <param name="build">Creates the host from command-line settings. It must not access a database.</param>
    /// <param name="args">The command line: a command with its arguments, and settings.</param>
    /// <param name="output">Where a command prints; null for the console.</param>
    /// <returns>
    /// The exit code: 0 for a stopped service, an intact log or read model, or a completed request; 1 for a broken log,
    /// a read model that differs, or a rejected request; 2 if the command line, the settings or a database prevented
    /// the start.
    /// </returns>
    public static async Task<int> RunAsync(Func<string[], WebApplication> build, string[] args, TextWriter? output = null)
    {
        ArgumentNullException.ThrowIfNull(build);
        ArgumentNullException.ThrowIfNull(args);
        output ??= Console.Out;
        try
        {
            if (args is [] || args[0].StartsWith('-'))
            {
                await using var service = build(args);
                service.Services.GetService<IStartupValidator>()?.Validate();
                await service.InitializeStorageAsync();
                await service.RunAsync();
                return 0;
            }

            var isHolding = args.Contains("--hold", StringComparer.Ordinal);
            var isAll = args.Contains("--all", StringComparer.Ordinal);
            var isScript = args is ["schema", "--script", ..];
            string[] words = isScript ? ["schema", .. args.Skip(2).TakeWhile(arg => !arg.StartsWith('-'))] : [.. args.TakeWhile(arg => !arg.StartsWith('-'))];
            await using var app = build([.. args.Skip(words.Length + (isScript ? 1 : 0)).Where(arg => arg is not ("--hold" or "--all"))]);
            var script = app.Services.GetRequiredService<SchemaScript>();
            var console = new OperatorConsole(
                app.Services.GetRequiredService<ProjectionOperations>(), app.Services.GetRequiredService<ParkedEventOperations>(), output);
            return words switch
            {
                ["verify"] => await VerifyAsync(app, output),
                ["projections"] => await console.PrintProjectionsAsync(),
                ["rebuild", _, ..] => await console.RebuildAsync(words is [_, "all"] ? [] : words[1..], isHolding),
                ["parked"] => await console.PrintParkedAsync(""),
                ["parked", var name] => await console.PrintParkedAsync(name),
                ["retry", var name] => await console.RetryAsync(name, null),
                ["retry", var name, var stream] => await console.RetryAsync(name, stream),
                ["skip", var name, var text] when long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var position) =>
                    await console.SkipAsync(name, position),
                ["audit"] => await console.AuditAsync(isAll ? 0 : OperatorConsole.SampleSize),
                ["schema"] when isScript => await PrintSchemaAsync(script, 1),
                ["schema", var text] when isScript && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var generation) && generation > 0 =>
                    await PrintSchemaAsync(script, generation),
                _ => await PrintUsageAsync(),
            };
        }
        catch (RejectedException refusal)
        {
            await output.WriteLineAsync($"{refusal.Code.Reason}: {refusal.Message}");
            return 1;
        }
        catch (Exception exception) when (exception is OptionsValidationException or InvalidOperationException or DbException or IOException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync($"{(args is [] || args[0].StartsWith('-') ? "The service cannot run" : $"{args[0]} failed")}: {exception.Message}");
            return 2;
        }

        async Task<int> PrintSchemaAsync(SchemaScript script, int generation)
        {
            await output.WriteLineAsync($"-- The write database.\n{script.ForWriteDatabase()}\n-- The read database.\n{script.ForReadDatabase(generation)}");
            return 0;
        }

        async Task<int> PrintUsageAsync()
        {
            await output.WriteLineAsync(Usage);
            return 2;
        }
    }

    /// <summary>Verifies the hash chain and prints the result.</summary>
    public static async Task<int> VerifyAsync(WebApplication app, TextWriter? output = null)
    {
        ArgumentNullException.ThrowIfNull(app);
        var found = await app.Services.GetRequiredService<LogVerifier>().VerifyAsync(CancellationToken.None);
        await (output ?? Console.Out).WriteLineAsync(found.IsIntact
            ? string.Create(CultureInfo.InvariantCulture, $"intact: {found.Verified} events")
            : string.Create(CultureInfo.InvariantCulture, $"broken at position {found.BrokenAt}: {found.Problem}"));
        return found.IsIntact ? 0 : 1;
    }
}
