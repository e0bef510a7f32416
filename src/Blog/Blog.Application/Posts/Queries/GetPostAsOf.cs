using Blog.Domain.Posts;
using GrpcCqrs.EventSourcing;

namespace Blog.Application.Posts;

/// <summary>A post as it was at a version or at a time; exactly one of the two is given. Answered from the event log.</summary>
public sealed record GetPostAsOf(string PostId, long? Version, DateTimeOffset? Time) : IValidatable
{
    /// <inheritdoc/>
    public IEnumerable<FieldViolation> Validate() => PostFields.Check(
        ("post_id", PostRules.CheckId(PostId)),
        ("point", Version is null == Time is null ? "Give either version or time." : null),
        ("version", Version < 1 ? "Must be 1 or more." : null));
}

/// <summary>Handles <see cref="GetPostAsOf"/>.</summary>
public sealed class GetPostAsOfHandler(AggregateStore<Post, PostEvent> posts, EventTypeRegistry types) : IEventLogQueryHandler<GetPostAsOf, PostView>
{
    /// <inheritdoc/>
    public async ValueTask<PostView> HandleAsync(GetPostAsOf query, CancellationToken cancellationToken)
    {
        var id = PostFields.Canonical(query.PostId);
        var times = new PostTimes();
        var loaded = await posts.LoadWhileAsync(
            id,
            record =>
            {
                var isTaken = query.Version is { } version ? record.Version <= version : record.Time <= query.Time;
                if (isTaken)
                {
                    times.Saw(record, types);
                }

                return isTaken;
            },
            cancellationToken);
        if (loaded.Version == 0)
        {
            throw PostErrors.PostNotFound(id);
        }

        if (query.Version is { } wanted && loaded.Version != wanted)
        {
            throw PostErrors.NoSuchVersion(id, loaded.Version);
        }

        return new PostView(loaded.State, loaded.Version, times.Create, times.Update, times.Publish);
    }

    /// <summary>The times of a post, which are those of its events.</summary>
    private sealed class PostTimes
    {
        public DateTimeOffset Create { get; private set; }

        public DateTimeOffset Update { get; private set; }

        public DateTimeOffset? Publish { get; private set; }

        public void Saw(RecordedEvent record, EventTypeRegistry types)
        {
            Create = record.Version == 1 ? record.Time : Create;
            Update = record.Time;

            // Not by the stored type: an event of an older shape may say it among others.
            Publish = types.Read(record).Any(envelope => envelope.Event is PostPublished) ? record.Time : Publish;
        }
    }
}
