using System.Net;
using Blog.V1;
using Google.Rpc;
using Grpc.Core;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Blog.Tests.Service;

/// <summary>What the service answers while it has as many commands as it takes.</summary>
public sealed class AdmissionTests(AdmissionTests.BlogOfThree blog) : IClassFixture<AdmissionTests.BlogOfThree>
{
    private const int MaxCommands = 3;
    private const int Offered = 10;

    [Fact]
    public async Task One_command_too_many_is_refused_with_a_delay_and_those_before_it_are_carried_out()
    {
        var post = await blog.CreateAsync("Before");
        Task<Refusal?>[] calls;
        var connection = await blog.Services.GetRequiredService<WriteDatabase>().OpenAsync(CancellationToken.None);
        await using (connection)
        {
            // SQLite's write lock: no command can end while it is held.
            await using var transaction = await connection.BeginTransactionAsync();
            calls = [.. Enumerable.Range(0, Offered).Select(number => Refusal.OrNullAsync(Edit(post.PostId, number)))];
            var refused = 0;
            await foreach (var call in Task.WhenEach(calls))
            {
                var refusal = (await call)!.Is(EngineErrors.WriteQueueFull);
                Assert.True(refusal.Detail<RetryInfo>()!.RetryDelay.ToTimeSpan() > TimeSpan.Zero);
                if (++refused == Offered - MaxCommands)
                {
                    break;
                }
            }

            // Only commands are counted and refused.
            Assert.Equal("Before", (await blog.GetAsync(post.PostId, post.ConsistencyToken)).Title);
        }

        Assert.Equal(MaxCommands, (await Task.WhenAll(calls)).Count(refusal => refusal is null));
        Assert.Equal(1 + MaxCommands, (await blog.HistoryAsync(post.PostId)).Count);
    }

    [Fact]
    public async Task Commands_that_end_in_any_way_make_room()
    {
        var unknown = Guid.CreateVersion7().ToString("D");
        for (var call = 0; call <= MaxCommands; call++)
        {
            Assert.Equal(StatusCode.NotFound, (await Refusal.OfAsync(Edit(unknown, call))).Status);
            Assert.Equal(StatusCode.InvalidArgument, (await Refusal.OfAsync(Edit("no id", call))).Status);
        }

        await blog.CreateAsync("After");
    }

    [Fact]
    public async Task Calls_whose_message_has_not_arrived_take_no_place()
    {
        using var http = new HttpClient { DefaultRequestVersion = new Version(2, 0), DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using var giveUp = new CancellationTokenSource();
        var silent = Enumerable.Range(0, Offered).Select(_ => new SilentContent()).ToArray();
        var waiting = silent.Select(content => http.PostAsync(
            new Uri(new Uri(blog.Application.Urls.First()), "blog.v1.PostCommandService/EditPostContent"), content, giveUp.Token)).ToArray();
        await Task.WhenAll(silent.Select(content => content.HasBegun));

        for (var number = 0; number < 2 * Offered; number++)
        {
            await blog.CreateAsync($"Meanwhile {number}");
        }

        await giveUp.CancelAsync();
        foreach (var call in waiting)
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        }
    }

    private AsyncUnaryCall<EditPostContentResponse> Edit(string post, int number) =>
        blog.Commands.EditPostContentAsync(new EditPostContentRequest { PostId = post, Content = $"Content {number}" });

    /// <summary>A request whose headers are sent, and of whose message nothing comes.</summary>
    private sealed class SilentContent : HttpContent
    {
        private readonly TaskCompletionSource begun = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public SilentContent() => Headers.ContentType = new("application/grpc");

        public Task HasBegun => begun.Task;

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            await stream.FlushAsync(cancellationToken);
            begun.TrySetResult();
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }

    /// <summary>The service with room for three commands.</summary>
    public sealed class BlogOfThree : BlogService
    {
        protected override IEnumerable<string> Settings => [$"--Endpoints:MaxCommands={MaxCommands}"];
    }
}
