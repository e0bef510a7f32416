using Blog.V1;
using Grpc.Net.Client;

using var channel = GrpcChannel.ForAddress(args.Length > 0 ? args[0] : "http://localhost:5000");
var commands = new PostCommandService.PostCommandServiceClient(channel);
var queries = new PostQueryService.PostQueryServiceClient(channel);

// A command id makes the call safe to repeat: whoever sends it again gets this answer again.
var created = await commands.CreatePostAsync(new CreatePostRequest
{
    CommandId = Guid.CreateVersion7().ToString(),
    Title = "Events are facts",
    Content = "What has happened, has happened.",
    Author = "Ada",
    Tags = { "Event Sourcing" },
});
var published = await commands.PublishPostAsync(new PublishPostRequest { PostId = created.PostId, ExpectedVersion = created.Version });

// The read database follows the write database. With the token the query waits until it has caught up.
var read = await queries.GetPostAsync(new GetPostRequest { PostId = created.PostId, ConsistencyToken = published.ConsistencyToken });
Console.WriteLine($"{read.Post.Slug}: {read.Post.Status}, version {read.Post.Version}, tags {string.Join(", ", read.Post.Tags)}");

var list = await queries.ListPostsAsync(new ListPostsRequest { Statuses = { PostStatus.Published }, PageSize = 5 });
Console.WriteLine($"published: {string.Join("; ", list.Posts.Select(post => post.Title))}");

var history = await queries.GetPostHistoryAsync(new GetPostHistoryRequest { PostId = created.PostId });
foreach (var entry in history.Entries)
{
    Console.WriteLine($"{entry.Version} {entry.EventType}: {entry.Summary}");
}
