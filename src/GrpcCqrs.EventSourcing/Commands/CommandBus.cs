using System.Collections.Frozen;

namespace GrpcCqrs.EventSourcing;

/// <summary>Handles commands of one type. Handlers are singletons and hold no per-call state.</summary>
public interface ICommandHandler<in TCommand>
    where TCommand : class
{
    /// <summary>Executes the command.</summary>
    /// <exception cref="RejectedException">The command is rejected; nothing was changed.</exception>
    ValueTask<CommandResult> HandleAsync(TCommand command, CommandContext context, CancellationToken cancellationToken);
}

/// <summary>One stage of the command pipeline; the last one is the handler.</summary>
public delegate ValueTask<CommandResult> CommandStage<in TCommand>(
    TCommand command, CommandContext context, CancellationToken cancellationToken)
    where TCommand : class;

/// <summary>
/// A stage that every command passes through. It wraps the next stage once, at start-up, so that a call needs no
/// look-up and no closure.
/// </summary>
public interface ICommandBehavior
{
    /// <summary>Returns the stage that does its work and calls <paramref name="next"/>.</summary>
    CommandStage<TCommand> Wrap<TCommand>(CommandStage<TCommand> next)
        where TCommand : class;
}

/// <summary>Sends commands to their handlers.</summary>
public interface ICommandBus
{
    /// <summary>Executes the command through the pipeline: trace, audit, validate, de-duplicate, handle.</summary>
    /// <exception cref="RejectedException">The command is rejected; nothing was changed.</exception>
    /// <exception cref="InvalidOperationException">
    /// No handler is registered for the type: a configuration error.
    /// </exception>
    ValueTask<CommandResult> SendAsync<TCommand>(TCommand command, CommandContext context, CancellationToken cancellationToken)
        where TCommand : class;
}

/// <summary>A command type, its handler, and how its pipeline is built.</summary>
/// <param name="CommandType">The command type.</param>
/// <param name="HandlerType">The handler's type.</param>
/// <param name="BuildPipeline">Builds the <see cref="CommandStage{TCommand}"/>.</param>
internal sealed record CommandRegistration(
    Type CommandType, Type HandlerType, Func<IServiceProvider, IReadOnlyList<ICommandBehavior>, Delegate> BuildPipeline);

internal sealed class CommandBus : ICommandBus
{
    private readonly FrozenDictionary<Type, Delegate> pipelines;

    public CommandBus(IServiceProvider services, IEnumerable<CommandRegistration> registrations, IEnumerable<ICommandBehavior> behaviors)
    {
        ICommandBehavior[] order = [.. behaviors];
        pipelines = registrations.ToFrozenDictionary(
            registration => registration.CommandType, registration => registration.BuildPipeline(services, order));
    }

    public ValueTask<CommandResult> SendAsync<TCommand>(TCommand command, CommandContext context, CancellationToken cancellationToken)
        where TCommand : class
    {
        if (!pipelines.TryGetValue(typeof(TCommand), out var pipeline))
        {
            throw new InvalidOperationException($"No handler is registered for {typeof(TCommand).FullName}.");
        }

        context.CommandType = typeof(TCommand).Name;
        return ((CommandStage<TCommand>)pipeline)(command, context, cancellationToken);
    }
}
