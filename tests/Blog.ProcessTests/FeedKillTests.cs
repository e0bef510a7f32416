using Blog.V1;
using Dapper;
using Grpc.Core;
using Grpc.Net.Client;
using GrpcCqrs.Feed.V1;
using Microsoft.Data.Sqlite;
using Xunit;
using Xunit.Abstractions;

namespace Blog.ProcessTests;

/// <summary>What a consumer group keeps when the process that serves it is killed.</summary>
public sealed class FeedKillTests(ITestOutputHelper output) : IDisposable
{
    private const string Group = "group";
    private const int Posts = 20;
    private const int Kills = 3;

    private readonly DirectoryInfo data = Directory.CreateTempSubdirectory("grpccqrs-feed-kill-");

    public void Dispose()
    {
        SqliteConnection.ClearAllPools();
        CleanUp.DeleteDirectory(data.FullName);
    }

    [LongFact]
    public async Task After_SIGKILL_another_process_takes_the_group_over_nothing_is_lost_and_nothing_written_as_acknowledged_comes_again()
    {
        var random = new Random();
        var handled = new Dictionary<string, long>(StringComparer.Ordinal);
        var acknowledged = new HashSet<long>();
        for (var kill = 0; kill <= Kills; kill++)
        {
            await using var server = await ServerProcess.StartAsync(data.FullName, "--Feed:MaxFailures=1000");
            using var channel = GrpcChannel.ForAddress(server.GrpcAddress);
            var feed = new EventFeedService.EventFeedServiceClient(channel);
            await feed.CreateConsumerGroupAsync(new() { Name = Group }, deadline: Limit());
            var written = await WriteAsync(channel, edits: 5);
            using var member = await JoinAsync(feed);
            var enough = kill == Kills ? int.MaxValue : random.Next(60, 200);
            for (var taken = 0; taken < enough && handled.Values.Sum() < written && await member.ResponseStream.MoveNext(CancellationToken.None); taken++)
            {
                var delivery = member.ResponseStream.Current.Delivery;
                var each = Assert.Single(delivery.Events);
                Assert.DoesNotContain(each.Position, acknowledged);

                // A repetition of what was handled, or the next one of its stream.
                var last = handled.GetValueOrDefault(each.Stream);
                Assert.InRange(each.Version, 1, last + 1);
                handled[each.Stream] = Math.Max(last, each.Version);
                if (random.Next(10) > 0)
                {
                    await member.RequestStream.WriteAsync(new() { Acknowledge = new() { DeliveryIds = { delivery.DeliveryId } } });
                }
                else
                {
                    // By the way, time for acknowledgements to be written.
                    await Task.Delay(random.Next(30));
                    await member.RequestStream.WriteAsync(new() { Fail = new() { DeliveryId = delivery.DeliveryId, Reason = "by chance" } });
                }
            }

            await server.KillAsync();
            acknowledged = await ReadAcknowledgedAsync();
            output.WriteLine($"kill {kill}: {handled.Values.Sum()} of {written} events handled, {acknowledged.Count} written as acknowledged");
        }

        Assert.Equal((Kills + 1) * Posts * 6, handled.Values.Sum());
    }

    /// <summary>Joins when the process that was killed counts as dead.</summary>
    private static async Task<AsyncDuplexStreamingCall<ConsumeRequest, ConsumeResponse>> JoinAsync(EventFeedService.EventFeedServiceClient feed)
    {
        while (true)
        {
            var call = feed.Consume(deadline: Limit());
            try
            {
                await call.RequestStream.WriteAsync(new() { Open = new() { Group = Group, MaxInFlight = 50 } });
                Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));
                return call;
            }
            catch (RpcException exception) when (exception.StatusCode == StatusCode.Unavailable)
            {
                call.Dispose();
                await Task.Delay(200);
            }
        }
    }

    private static async Task<long> WriteAsync(GrpcChannel channel, int edits)
    {
        var commands = new PostCommandService.PostCommandServiceClient(channel);
        await Task.WhenAll(Enumerable.Range(0, Posts).Select(async number =>
        {
            var created = await commands.CreatePostAsync(new() { Title = $"Post {number}", Content = "…", Author = "Kill test" }, deadline: Limit());
            for (var edit = 0; edit < edits; edit++)
            {
                await commands.EditPostContentAsync(new() { PostId = created.PostId, Content = $"Edit {edit}" }, deadline: Limit());
            }
        }));
        using var all = new EventFeedService.EventFeedServiceClient(channel).ReadAll(new() { MaxCount = 1, Filter = new() { Category = "none" } }, deadline: Limit());
        Assert.True(await all.ResponseStream.MoveNext(CancellationToken.None));
        return all.ResponseStream.Current.Checkpoint.Position;
    }

    private async Task<HashSet<long>> ReadAcknowledgedAsync()
    {
        await using var connection = new SqliteConnection($"Data Source={Path.Combine(data.FullName, "write.db")}");
        var position = await connection.ExecuteScalarAsync<int>("SELECT position FROM consumer_groups");
        var outOfOrder = await connection.QueryAsync<long>("SELECT position FROM consumer_acks");
        return [.. Enumerable.Range(1, position).Select(p => (long)p), .. outOfOrder];
    }

    private static DateTime Limit() => Patience.Deadline;
}
