using System.Diagnostics;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;

namespace GrpcCqrs.EventSourcing;

/// <summary>A message that can validate its own fields, regardless of the state of the store.</summary>
public interface IValidatable
{
    /// <summary>All invalid fields; none for a well-formed message.</summary>
    IEnumerable<FieldViolation> Validate();
}

/// <summary>Traces each command as one activity.</summary>
internal sealed class CommandTracing : ICommandBehavior
{
    public CommandStage<TCommand> Wrap<TCommand>(CommandStage<TCommand> next)
        where TCommand : class
    {
        var name = $"command {typeof(TCommand).Name}";
        return async (command, context, cancellationToken) =>
        {
            using var activity = EngineTelemetry.Source.StartActivity(name);
            activity?.SetTag("grpccqrs.command_id", context.CommandId);
            try
            {
                var result = await next(command, context, cancellationToken);
                activity?.SetTag("grpccqrs.stream", result.Stream.ToString());
                activity?.SetTag("grpccqrs.version", result.Version);
                return result;
            }
            catch (Exception exception) when (activity is not null)
            {
                activity.SetStatus(ActivityStatusCode.Error, (exception as RejectedException)?.Code.Reason ?? exception.GetType().Name);
                throw;
            }
        };
    }
}

/// <summary>
/// Ensures that every command leaves an audit entry. A command that appends writes it in the append's transaction; all
/// others write it in a separate one before the response. A command that is rejected because the write queue is full or
/// the database is unavailable leaves none, since writing the entry would fail in the same way.
/// </summary>
internal sealed partial class CommandAudit(IEventStore store, TimeProvider clock, ILogger<CommandAudit> logger) : ICommandBehavior
{
    public CommandStage<TCommand> Wrap<TCommand>(CommandStage<TCommand> next)
        where TCommand : class => async (command, context, cancellationToken) =>
        {
            CommandResult result;
            try
            {
                result = await next(command, context, cancellationToken);
            }
            catch (RejectedException rejection) when (rejection.Code != EngineErrors.WriteQueueFull && rejection.Code != EngineErrors.DatabaseUnavailable)
            {
                await WriteAsync(context, CommandOutcome.Rejected, rejection.Code.Reason);
                throw;
            }
            catch (Exception exception) when (exception is not (OperationCanceledException or RejectedException))
            {
                await WriteAsync(context, CommandOutcome.Failed, exception.GetType().Name);
                throw;
            }

            if (!context.IsAudited)
            {
                await WriteAsync(context, context.WasRepeated ? CommandOutcome.Repeated : CommandOutcome.Unchanged, errorReason: null);
            }

            return result;
        };

    /// <summary>
    /// Best effort: if the store cannot write the entry, the response is unaffected and a warning is logged.
    /// </summary>
    private async ValueTask WriteAsync(CommandContext context, CommandOutcome outcome, string? errorReason)
    {
        try
        {
            var entry = context.AuditAs(outcome, clock.GetUtcNow(), errorReason);
            await store.AppendAsync(new AppendRequest { Audit = entry }, CancellationToken.None);
        }
        catch (RejectedException rejection)
        {
            LogAuditLost(logger, context.CommandType, context.CommandId, outcome, rejection.Code.Reason);
        }
    }

    [LoggerMessage(1001, LogLevel.Warning, "The audit entry of {CommandType} {CommandId} ({Outcome}) could not be written: {Reason}")]
    private static partial void LogAuditLost(ILogger logger, string commandType, Guid commandId, CommandOutcome outcome, string reason);
}

/// <summary>Rejects malformed commands before anything is read.</summary>
internal sealed class CommandValidation : ICommandBehavior
{
    public CommandStage<TCommand> Wrap<TCommand>(CommandStage<TCommand> next)
        where TCommand : class => (command, context, cancellationToken) =>
        {
            Validation.ThrowIfInvalid(command, context.Violations);
            return next(command, context, cancellationToken);
        };
}

internal static class Validation
{
    public static void ThrowIfInvalid(object message, params IReadOnlyList<FieldViolation> others)
    {
        FieldViolation[] violations = [.. (message as IValidatable)?.Validate() ?? [], .. others];
        if (violations.Length > 0)
        {
            throw RejectedException.Invalid(violations);
        }
    }
}

/// <summary>
/// Answers a repeated command with its first response. The append checks again in its transaction, so of two racing
/// repetitions one is executed and the other gets its response.
/// </summary>
internal sealed class CommandDeduplication(IEventStore store) : ICommandBehavior
{
    public CommandStage<TCommand> Wrap<TCommand>(CommandStage<TCommand> next)
        where TCommand : class => async (command, context, cancellationToken) =>
        {
            if (context.RequestHash is null)
            {
                return await next(command, context, cancellationToken);
            }

            if (await store.FindCommandAsync(context.CommandId, cancellationToken) is { } first)
            {
                return Repeat(first, context);
            }

            try
            {
                return await next(command, context, cancellationToken);
            }
            catch (RejectedException rejection) when (rejection.Code.Kind is not (ErrorKind.ResourceExhausted or ErrorKind.Unavailable))
            {
                // A racing repetition may have won, and this call failed on its effects.
                if (await store.FindCommandAsync(context.CommandId, cancellationToken) is { } winner)
                {
                    return Repeat(winner, context);
                }

                throw;
            }
        };

    internal static CommandResult Repeat(CommandRecord first, CommandContext context)
    {
        if (context.RequestHash is not { } hash || !CryptographicOperations.FixedTimeEquals(hash.Span, first.RequestHash.Span))
        {
            throw new RejectedException(
                EngineErrors.CommandIdReused, $"The command_id {context.CommandId} was used before with another request.")
            {
                Fields = [new FieldViolation("command_id", "Was used before with another request; make a new one.")],
            };
        }

        context.Stream = first.Result.Stream;
        context.WasRepeated = true;
        return first.Result;
    }
}
