using System.Globalization;
using GrpcCqrs.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace GrpcCqrs.Hosting;

/// <summary>What an operator can have a service's program do in place of serving.</summary>
public static class OperatorCommands
{
    /// <summary>
    /// Carries out the command that the first argument names: <c>verify</c> walks the event log's hash chain and exits with 0 where
    /// it is intact, with 1 where it is not.
    /// </summary>
    /// <returns>The program's exit code; null where the arguments name no command, and the service is to run.</returns>
    public static async Task<int?> TryRunAsync(WebApplication app, string[] args)
    {
        ArgumentNullException.ThrowIfNull(app);
        ArgumentNullException.ThrowIfNull(args);
        if (args is not ["verify", ..])
        {
            return null;
        }

        var found = await app.Services.GetRequiredService<LogVerifier>().VerifyAsync(CancellationToken.None);
        Console.WriteLine(found.IsIntact
            ? string.Create(CultureInfo.InvariantCulture, $"intact: {found.Verified} events")
            : string.Create(CultureInfo.InvariantCulture, $"broken at position {found.BrokenAt}: {found.Problem}"));
        return found.IsIntact ? 0 : 1;
    }
}
