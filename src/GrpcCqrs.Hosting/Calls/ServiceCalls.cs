using System.Collections.Concurrent;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using GrpcCqrs.EventSourcing;

namespace GrpcCqrs.Hosting;

/// <summary>The result of a command.</summary>
/// <param name="Id">The aggregate's id.</param>
/// <param name="Version">Its version after the command.</param>
/// <param name="ConsistencyToken">A query with this token sees the command's effect.</param>
/// <param name="Reply">Additional response data from the handler; empty for none.</param>
public readonly record struct CommandAnswer(string Id, long Version, string ConsistencyToken, string Reply);

/// <summary>The result of a query.</summary>
/// <param name="Result">The result.</param>
/// <param name="Position">The position that it was read at.</param>
/// <param name="ConsistencyToken">The token of that position.</param>
public readonly record struct QueryAnswered<TResult>(TResult Result, long Position, string ConsistencyToken);

/// <summary>
/// Sends gRPC calls to the command bus or the query bus, and handles what all calls have in common: the request's
/// fields <c>command_id</c>, <c>expected_version</c> and <c>consistency_token</c>, if its message has them, the
/// headers, and the trailers with the state of the answer.
/// </summary>
public sealed class ServiceCalls(ICommandBus commands, IQueryBus queries, CallContexts contexts)
{
    private static readonly ConcurrentDictionary<(MessageDescriptor Message, string Field), IFieldAccessor?> Accessors = new();

    /// <summary>Sends a command.</summary>
    /// <param name="request">The gRPC request.</param>
    /// <param name="command">The command.</param>
    /// <param name="call">The call.</param>
    /// <exception cref="RejectedException">The command is rejected.</exception>
    public async Task<CommandAnswer> SendAsync<TCommand>(IMessage request, TCommand command, ServerCallContext call)
        where TCommand : class
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(call);
        var context = contexts.ForCommand(request, Text(request, "command_id"), Number(request, "expected_version"), call);
        var result = await commands.SendAsync(command, context, call.CancellationToken);
        return new CommandAnswer(result.Stream.Id, result.Version, contexts.Answered(result.Position, call), result.Reply ?? "");
    }

    /// <summary>Sends a query.</summary>
    /// <param name="request">The gRPC request.</param>
    /// <param name="query">The query.</param>
    /// <param name="call">The call.</param>
    /// <exception cref="RejectedException">The query is rejected.</exception>
    public async Task<QueryAnswered<TResult>> AskAsync<TQuery, TResult>(IMessage request, TQuery query, ServerCallContext call)
        where TQuery : class
    {
        ArgumentNullException.ThrowIfNull(call);
        var (result, position) = await queries.AskAsync<TQuery, TResult>(query, ContextOf(request, call), call.CancellationToken);
        return new QueryAnswered<TResult>(result, position, contexts.Answered(position, call));
    }

    /// <summary>Starts a watch.</summary>
    /// <param name="request">The gRPC request.</param>
    /// <param name="query">The query.</param>
    /// <param name="call">The call.</param>
    /// <param name="cancellationToken">Ends the watch.</param>
    public IAsyncEnumerable<QueryAnswer<TItem>> WatchAsync<TQuery, TItem>(
        IMessage request, TQuery query, ServerCallContext call, CancellationToken cancellationToken)
        where TQuery : class =>
        queries.WatchAsync<TQuery, TItem>(query, ContextOf(request, call), cancellationToken);

    private QueryContext ContextOf(IMessage request, ServerCallContext call)
    {
        ArgumentNullException.ThrowIfNull(request);
        return contexts.ForQuery(Text(request, "consistency_token"), call);
    }

    private static string Text(IMessage request, string field) => AccessorOf(request, field)?.GetValue(request) as string ?? "";

    /// <summary>The value of an optional number; null where it is absent.</summary>
    private static long? Number(IMessage request, string field) =>
        AccessorOf(request, field) is { } accessor && accessor.HasValue(request) ? (long)accessor.GetValue(request) : null;

    private static IFieldAccessor? AccessorOf(IMessage request, string field) => Accessors.GetOrAdd(
        (request.Descriptor, field), static key => key.Message.FindFieldByName(key.Field)?.Accessor);
}
