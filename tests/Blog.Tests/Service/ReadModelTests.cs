using Blog.V1;
using Dapper;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Blog.Tests.Service;

/// <summary>Whatever the command: answers show the post that its events give.</summary>
public sealed class ReadModelTests(BlogService blog) : IClassFixture<BlogService>
{
    /// <summary>The tables in which a deleted post leaves rows on purpose.</summary>
    private static readonly string[] TablesOfThePast = ["daily_post_activity"];

    [Theory]
    [MemberData(nameof(CommandCall.OnAPost), MemberType = typeof(CommandCall))]
    public async Task After_any_command_the_read_model_shows_what_the_events_say(string command)
    {
        var id = await CommandCall.StartAsync(blog, command);
        var answer = await CommandCall.SendAsync(blog, command, id);
        var told = (await blog.Queries.GetPostAsOfAsync(new() { PostId = id, Version = answer.Version })).Post;
        if (told.Status == PostStatus.Deleted)
        {
            return;
        }

        var shown = await blog.GetAsync(id, answer.Token);
        Assert.True(told.Equals(shown), $"GetPost shows {shown}; the events give {told}. Look at PostRow in PostList.cs, and at PostDetails.cs.");
        var listed = (await blog.Queries.ListPostsAsync(new() { Author = told.Author, ConsistencyToken = answer.Token, PageSize = 100 })).Posts
            .Single(one => one.PostId == id);
        var bare = new Post(told) { Content = "" };
        Assert.True(bare.Equals(listed), $"ListPosts shows {listed}; the events give {bare}. Look at PostRow in PostList.cs.");
    }

    [Theory]
    [MemberData(nameof(CommandCall.OnAPost), MemberType = typeof(CommandCall))]
    public async Task What_a_command_changes_can_be_seen_in_the_post(string command)
    {
        var id = await CommandCall.StartAsync(blog, command);
        var answer = await CommandCall.SendAsync(blog, command, id);
        var after = (await blog.Queries.GetPostAsOfAsync(new() { PostId = id, Version = answer.Version })).Post;
        var before = (await blog.Queries.GetPostAsOfAsync(new() { PostId = id, Version = answer.Version - 1 })).Post;
        (before.Version, before.UpdateTime) = (after.Version, after.UpdateTime);
        Assert.True(!before.Equals(after), $"{command} has changed no field of {after}: give the message Post in post.proto a field by the name of the property that it changes.");
    }

    [Theory]
    [MemberData(nameof(CommandCall.OnAPost), MemberType = typeof(CommandCall))]
    public async Task No_answer_and_no_table_keeps_a_deleted_post_whatever_was_done_to_it(string command)
    {
        var id = (await CommandCall.StartAndSendAsync(blog, command)).PostId;
        var token = (await CommandCall.SendAsync(blog, "DeletePost", id)).Token;

        (await Refusal.OfAsync(blog.Queries.GetPostAsync(new GetPostRequest { PostId = id, ConsistencyToken = token }))).Is(PostErrors.NotFound);
        foreach (var query in QueryCall.With("page_token").Where(query => query != nameof(blog.Queries.GetPostHistory)))
        {
            var listed = await QueryCall.ListAsync(blog, query, QueryCall.Request(query, id).With("consistency_token", token));
            Assert.True(!listed.Any(element => element.Contains(id, StringComparison.Ordinal)), $"{query} lists a post that was deleted after {command}.");
        }

        await using var connection = await blog.Services.GetRequiredService<ReadDatabase>().OpenAsync(CancellationToken.None);
        var tables = blog.Services.GetServices<IProjection>().SelectMany(projection => projection.Rows).Where(part => part.StreamColumn is not null);
        foreach (var table in tables.Where(table => !TablesOfThePast.Contains(table.Name)))
        {
            var rows = await connection.ExecuteScalarAsync<int>(
                $"SELECT COUNT(*) FROM ({GenerationNames.Resolve(1, table.Select)}) t WHERE {table.StreamColumn} = @id", new { id });
            Assert.True(
                rows == 0, $"{table.Name} keeps a post that was deleted after {command}: have its projection return null for PostDeleted, or name it in ReadModelTests.TablesOfThePast.");
        }
    }

    [Fact]
    public void Every_field_of_a_post_is_in_its_message() => Assert.All(
        typeof(global::Blog.Domain.Posts.Post).GetProperties().Where(property => property.CanWrite).Select(property => property.Name == "Id" ? "PostId" : property.Name),
        name => Assert.True(
            Post.Descriptor.Fields.InDeclarationOrder().Any(field => field.PropertyName == name), $"The message Post in post.proto has no field for the property {name} of the state."));
}
