using Blog.V1;
using Google.Protobuf;
using Grpc.Core;
using GrpcCqrs.Client;

namespace BlogImporter;

/// <summary>
/// Turns edits into commands and sends them one behind the other. Each worker has its own; all edits of a post go to the same one.
/// </summary>
/// <param name="service">The service.</param>
/// <param name="tally">Where answers are counted.</param>
/// <param name="leaveDrafts">False publishes each post right after it was created, by a command of its own.</param>
internal sealed class PostImporter(BlogService service, ImportTally tally, bool leaveDrafts)
{
    private readonly Dictionary<string, PostTimeline> timelines = new(StringComparer.Ordinal);
    private readonly List<PostRecord> records = [];

    /// <summary>The posts in the order of their first edits.</summary>
    public IReadOnlyList<PostRecord> Records => records;

    /// <summary>Carries out an edit. A refusal is counted; the next edit goes on.</summary>
    /// <param name="edit">The edit.</param>
    /// <param name="number">Its number in the history.</param>
    /// <param name="cancellationToken">Ends the call in hand.</param>
    /// <exception cref="ServiceLostException">The service does not answer.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; the command in hand may have been carried out.</exception>
    public async Task ImportAsync(PostEdit edit, long number, CancellationToken cancellationToken)
    {
        if (!timelines.TryGetValue(edit.Post, out var timeline))
        {
            timelines[edit.Post] = timeline = new PostTimeline();
        }

        var index = timeline.NextIndex++;
        var post = RecordFor(edit, timeline, number);
        var step = new PostStep(
            Version: 0,
            edit.Kind is EditKind.Create or EditKind.Title ? TextDigest.Of(edit.Title) : null,
            edit.Kind is EditKind.Create or EditKind.Content ? TextDigest.Of(edit.Content) : null,
            IsDeletion: edit.Kind == EditKind.Delete);
        var commandId = Names.CommandId(edit.Post, index, OperationOf(edit.Kind));
        var isAccepted = await SendAsync(edit.Place, post, commandId, CommandFor(edit, post, commandId), step, cancellationToken);
        if (isAccepted && edit.Kind == EditKind.Create && !leaveDrafts)
        {
            var publishId = Names.CommandId(edit.Post, index, "publish");
            var publish = new PublishPostRequest { PostId = post.Id.ToString("D"), CommandId = publishId.ToString("D") };
            await SendAsync(edit.Place, post, publishId, publish, new PostStep(0, Title: null, Content: null, IsDeletion: false), cancellationToken);
        }
    }

    /// <summary>The post that the edit is about: the one before it, or another one where it creates a deleted post again.</summary>
    private PostRecord RecordFor(PostEdit edit, PostTimeline timeline, long number)
    {
        if (timeline.Post is null || (timeline.IsDeleted && edit.Kind == EditKind.Create))
        {
            timeline.Generation += timeline.Post is null ? 0 : 1;
            timeline.Post = new PostRecord(edit.Post, Names.PostId(edit.Post, timeline.Generation), number);
            records.Add(timeline.Post);
            tally.CountPost();
        }

        timeline.IsDeleted = edit.Kind == EditKind.Delete || (timeline.IsDeleted && edit.Kind != EditKind.Create);
        return timeline.Post;
    }

    private async Task<bool> SendAsync(
        string place, PostRecord post, Guid commandId, IMessage command, PostStep step, CancellationToken cancellationToken)
    {
        try
        {
            if (!post.IsStarted)
            {
                post.StartFrom(await service.GetCommandIdsAsync(post.Id, cancellationToken));
            }

            var answer = await service.SendAsync(command, cancellationToken);
            tally.Count(post.Accept(commandId, answer, step with { Version = answer.Version }));
            return true;
        }
        catch (RpcException exception)
        {
            var error = RichError.From(exception);
            tally.Reject(place, post.Key, error.Reason.Length > 0 ? error.Reason : error.StatusCode.ToString(), error.Message);
            return false;
        }
    }

    private static IMessage CommandFor(PostEdit edit, PostRecord post, Guid commandId)
    {
        var postId = post.Id.ToString("D");
        var id = commandId.ToString("D");
        return edit.Kind switch
        {
            EditKind.Create => new CreatePostRequest
            {
                PostId = postId, CommandId = id, Slug = Names.Slug(edit.Post), Title = edit.Title, Content = edit.Content, Author = edit.Author,
            },
            EditKind.Title => new ChangePostTitleRequest { PostId = postId, CommandId = id, Title = edit.Title },
            EditKind.Content => new EditPostContentRequest { PostId = postId, CommandId = id, Content = edit.Content },
            _ => new DeletePostRequest { PostId = postId, CommandId = id },
        };
    }

    /// <summary>The operation's name in command ids, which must never change.</summary>
    private static string OperationOf(EditKind kind) => kind switch
    {
        EditKind.Create => "create",
        EditKind.Title => "title",
        EditKind.Content => "content",
        _ => "delete",
    };

    /// <summary>Where a key of the history stands.</summary>
    private sealed class PostTimeline
    {
        public int NextIndex { get; set; }

        public int Generation { get; set; }

        public bool IsDeleted { get; set; }

        public PostRecord? Post { get; set; }
    }
}
