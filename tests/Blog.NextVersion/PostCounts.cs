using System.Data.Common;
using Dapper;
using GrpcCqrs.EventSourcing;

namespace Blog.NextVersion;

/// <summary>Counts the events of each post in a table of the write database.</summary>
internal sealed class PostCounts : ITransactionalSubscriptionHandler
{
    public async Task HandleAsync(EventEnvelope envelope, DbTransaction transaction, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        await RunAsync("CREATE TABLE IF NOT EXISTS post_counts (stream TEXT NOT NULL PRIMARY KEY, events BIGINT NOT NULL)");
        await RunAsync("INSERT INTO post_counts (stream, events) VALUES (@stream, 1) ON CONFLICT (stream) DO UPDATE SET events = post_counts.events + 1");

        Task RunAsync(string text) => transaction.Connection!.ExecuteAsync(
            new CommandDefinition(text, new { stream = envelope.Record.Stream.ToString() }, transaction, cancellationToken: cancellationToken));
    }
}
