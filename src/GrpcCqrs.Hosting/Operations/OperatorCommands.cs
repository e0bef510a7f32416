using System.Data.Common;
using System.Globalization;
using GrpcCqrs.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace GrpcCqrs.Hosting;

/// <summary>What a service's program does: serve, or what an operator asks of it on the command line.</summary>
public static class OperatorCommands
{
    /// <summary>
    /// Runs the program. Without a command it serves until it is stopped. <c>verify</c> walks the event log's hash chain, which
    /// neither creates nor changes anything. What goes wrong before the service serves is told in a line.
    /// </summary>
    /// <returns>
    /// The exit code: 0 for a service that was stopped and a log that is intact, 1 for a broken log, 2 where the settings or a database
    /// did not allow to begin.
    /// </returns>
    public static async Task<int> RunAsync(Func<WebApplication> build, string[] args)
    {
        ArgumentNullException.ThrowIfNull(build);
        ArgumentNullException.ThrowIfNull(args);
        try
        {
            await using var app = build();
            if (args is ["verify", ..])
            {
                return await VerifyAsync(app);
            }

            app.Services.GetService<IStartupValidator>()?.Validate();
            await app.InitializeStorageAsync();
            await app.RunAsync();
            return 0;
        }
        catch (Exception exception) when (exception is OptionsValidationException or InvalidOperationException or DbException or IOException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync($"The service cannot run: {exception.Message}");
            return 2;
        }
    }

    /// <summary>Walks the hash chain and prints what it found.</summary>
    public static async Task<int> VerifyAsync(WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        var found = await app.Services.GetRequiredService<LogVerifier>().VerifyAsync(CancellationToken.None);
        Console.WriteLine(found.IsIntact
            ? string.Create(CultureInfo.InvariantCulture, $"intact: {found.Verified} events")
            : string.Create(CultureInfo.InvariantCulture, $"broken at position {found.BrokenAt}: {found.Problem}"));
        return found.IsIntact ? 0 : 1;
    }
}
