using Blog.V1;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using GrpcCqrs.Client;

namespace BlogImporter;

/// <summary>What the service answers to any command.</summary>
/// <param name="Version">The post's version after the command, when it was first carried out.</param>
/// <param name="ConsistencyToken">A query that carries it sees the command's change.</param>
internal readonly record struct CommandAnswer(long Version, string ConsistencyToken);

/// <summary>The service cannot be reached, or cannot be used. The message is a sentence for people.</summary>
internal sealed class ServiceLostException(string message, Exception? innerException = null) : Exception(message, innerException);

/// <summary>The Blog service's calls that the importer needs. Passing failures are retried under the same command id.</summary>
internal sealed class BlogService : IDisposable
{
    /// <summary>How long one attempt may take: far more than a command needs, and short enough to notice a server that hangs.</summary>
    private static readonly TimeSpan AttemptTimeout = TimeSpan.FromSeconds(30);

    private readonly Uri address;
    private readonly TimeSpan retryFor;
    private readonly TimeProvider clock;
    private readonly GrpcChannel channel;
    private readonly PostCommandService.PostCommandServiceClient commands;
    private readonly PostQueryService.PostQueryServiceClient queries;
    private readonly CallRetry retry;

    /// <summary>Makes the client; nothing is sent yet.</summary>
    /// <param name="address">Where the service serves gRPC.</param>
    /// <param name="retryFor">How long a call is repeated while the service does not answer. Zero: not at all.</param>
    /// <param name="clock">The clock for deadlines and waiting.</param>
    public BlogService(Uri address, TimeSpan retryFor, TimeProvider clock)
    {
        this.address = address;
        this.retryFor = retryFor;
        this.clock = clock;
        channel = GrpcChannel.ForAddress(address, new GrpcChannelOptions
        {
            // The channel's own default backs off for up to two minutes, in which it fails calls without trying.
            InitialReconnectBackoff = TimeSpan.FromMilliseconds(100),
            MaxReconnectBackoff = TimeSpan.FromSeconds(1),
        });
        commands = new PostCommandService.PostCommandServiceClient(channel);
        queries = new PostQueryService.PostQueryServiceClient(channel);
        retry = new CallRetry(
            new CallRetryOptions
            {
                // Time is the bound that counts: at two seconds a wait, a day has 43,200 of them.
                MaxAttempts = 100_000, FirstDelay = TimeSpan.FromMilliseconds(100), MaxDelay = TimeSpan.FromSeconds(2), GiveUpAfter = retryFor,
            },
            clock);
    }

    /// <summary>Asks once, without retry, whether a Blog service answers.</summary>
    /// <exception cref="ServiceLostException">None does.</exception>
    public async Task ProbeAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var call = queries.ListTagsAsync(new ListTagsRequest { PageSize = 1 }, Options(cancellationToken));
            await call.ResponseAsync;
        }
        catch (RpcException exception)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var error = RichError.From(exception);
            throw new ServiceLostException(
                error.Reason.Length > 0 ? $"The Blog service at {address} cannot serve: {error.Reason}, {error.Message}"
                : error.StatusCode == StatusCode.Unavailable ? $"No server answers at {address}."
                : $"What answers at {address} is no Blog service, or none that works ({error.StatusCode}).",
                exception);
        }
    }

    /// <summary>Sends a command.</summary>
    /// <exception cref="RpcException">The service refused it.</exception>
    /// <exception cref="ServiceLostException">No answer for as long as calls are repeated; the command may have been carried out.</exception>
    public Task<CommandAnswer> SendAsync(IMessage command, CancellationToken cancellationToken) => command switch
    {
        CreatePostRequest create => AnswerAsync(
            token => commands.CreatePostAsync(create, Options(token)), a => new(a.Version, a.ConsistencyToken), cancellationToken),
        ChangePostTitleRequest change => AnswerAsync(
            token => commands.ChangePostTitleAsync(change, Options(token)), a => new(a.Version, a.ConsistencyToken), cancellationToken),
        EditPostContentRequest edit => AnswerAsync(
            token => commands.EditPostContentAsync(edit, Options(token)), a => new(a.Version, a.ConsistencyToken), cancellationToken),
        PublishPostRequest publish => AnswerAsync(
            token => commands.PublishPostAsync(publish, Options(token)), a => new(a.Version, a.ConsistencyToken), cancellationToken),
        DeletePostRequest delete => AnswerAsync(
            token => commands.DeletePostAsync(delete, Options(token)), a => new(a.Version, a.ConsistencyToken), cancellationToken),
        _ => throw new ArgumentException($"{command.Descriptor.FullName} is no command of the importer.", nameof(command)),
    };

    /// <summary>The post as it is now, or as it was; null where the service knows none.</summary>
    /// <param name="postId">The post.</param>
    /// <param name="consistencyToken">What the answer must have seen.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="ServiceLostException">No answer for as long as calls are repeated.</exception>
    public Task<Post?> GetPostAsync(Guid postId, string consistencyToken, CancellationToken cancellationToken) => FindAsync<GetPostResponse, Post>(
        token => queries.GetPostAsync(new GetPostRequest { PostId = postId.ToString("D"), ConsistencyToken = consistencyToken }, Options(token)),
        answer => answer.Post,
        cancellationToken);

    /// <inheritdoc cref="GetPostAsync"/>
    public Task<Post?> GetPostAsOfAsync(Guid postId, long version, CancellationToken cancellationToken) => FindAsync<GetPostAsOfResponse, Post>(
        token => queries.GetPostAsOfAsync(new GetPostAsOfRequest { PostId = postId.ToString("D"), Version = version }, Options(token)),
        answer => answer.Post,
        cancellationToken);

    /// <summary>The ids of the commands behind a post's events, in their order; empty for a post that does not exist.</summary>
    /// <exception cref="ServiceLostException">No answer for as long as calls are repeated.</exception>
    public async Task<IReadOnlyList<Guid>> GetCommandIdsAsync(Guid postId, CancellationToken cancellationToken)
    {
        const int largestPage = 500;
        var ids = new List<Guid>();
        var pageToken = "";
        do
        {
            var request = new GetPostHistoryRequest { PostId = postId.ToString("D"), PageSize = largestPage, PageToken = pageToken };
            var page = await FindAsync<GetPostHistoryResponse, GetPostHistoryResponse>(
                token => queries.GetPostHistoryAsync(request, Options(token)), answer => answer, cancellationToken);
            ids.AddRange(page?.Entries.Select(entry => Guid.TryParse(entry.CommandId, out var id) ? id : Guid.Empty) ?? []);
            pageToken = page?.NextPageToken ?? "";
        }
        while (pageToken.Length > 0);

        return ids;
    }

    public void Dispose() => channel.Dispose();

    private CallOptions Options(CancellationToken cancellationToken) =>
        new(deadline: clock.GetUtcNow().UtcDateTime + AttemptTimeout, cancellationToken: cancellationToken);

    private async Task<CommandAnswer> AnswerAsync<TResponse>(
        Func<CancellationToken, AsyncUnaryCall<TResponse>> call, Func<TResponse, CommandAnswer> read, CancellationToken cancellationToken) =>
        read(await CallAsync(call, cancellationToken));

    private async Task<TFound?> FindAsync<TResponse, TFound>(
        Func<CancellationToken, AsyncUnaryCall<TResponse>> call, Func<TResponse, TFound> read, CancellationToken cancellationToken)
        where TFound : class
    {
        try
        {
            return read(await CallAsync(call, cancellationToken));
        }
        catch (RpcException exception) when (exception.StatusCode == StatusCode.NotFound)
        {
            return null;
        }
    }

    private async Task<TResponse> CallAsync<TResponse>(Func<CancellationToken, AsyncUnaryCall<TResponse>> call, CancellationToken cancellationToken)
    {
        try
        {
            return await retry.SendAsync(call, cancellationToken);
        }
        catch (RpcException exception)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var error = RichError.From(exception);
            if (error.IsRetryable || error.StatusCode == StatusCode.DeadlineExceeded)
            {
                var reason = error.Reason.Length > 0 ? error.Reason : error.StatusCode.ToString();
                throw new ServiceLostException(
                    $"The server at {address} has stopped answering ({reason}) and was asked again for {retryFor.TotalSeconds:0} s.", exception);
            }

            throw;
        }
    }
}
