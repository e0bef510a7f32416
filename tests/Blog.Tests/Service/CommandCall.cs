using Blog.Tests.Domain;
using Blog.V1;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Xunit;

namespace Blog.Tests.Service;

/// <summary>What the answers of all commands have in common.</summary>
internal sealed record Answer(string PostId, long Version, string Token);

/// <summary>Any command by its name, with well-formed arguments, for what must hold for all of them.</summary>
internal static class CommandCall
{
    private static readonly Marshaller<byte[]> Raw = Marshallers.Create(bytes => bytes, bytes => bytes);

    private static readonly string[] Names = [.. PostCommandService.Descriptor.Methods.Select(method => method.Name)];

    public static TheoryData<string> All => [.. Names];

    /// <summary>All but CreatePost, which is the only one about a post that does not exist yet.</summary>
    public static TheoryData<string> OnAPost => [.. Names.Where(name => name != "CreatePost")];

    /// <summary>The same but DeletePost.</summary>
    public static IEnumerable<string> OnALivePost => Names.Where(name => name is not ("CreatePost" or "DeletePost"));

    /// <summary>A new post that the command changes by exactly one event; for CreatePost an id that is free.</summary>
    public static async Task<string> StartAsync(BlogService blog, string command)
    {
        if (command == "CreatePost")
        {
            return PostCalls.NewId();
        }

        var id = (await blog.CreateAsync()).PostId;
        foreach (var before in PostCommands.Before(command))
        {
            await SendAsync(blog, before, id);
        }

        return id;
    }

    /// <summary>A new post that the command was the last to change.</summary>
    public static async Task<Answer> StartAndSendAsync(BlogService blog, string command) =>
        await SendAsync(blog, command, await StartAsync(blog, command));

    /// <summary>Starts the call; the answer or the RpcException is in the task.</summary>
    public static async Task<Answer> SendAsync(
        BlogService blog, string command, string postId, string commandId = "", long? expectedVersion = null, string text = PostCommands.Text, Metadata? headers = null)
    {
        var method = PostCommandService.Descriptor.FindMethodByName(command);
        var request = method.InputType.Parser.ParseFrom(ByteString.Empty);
        foreach (var field in method.InputType.Fields.InDeclarationOrder())
        {
            if (ValueOf(field) is { } value)
            {
                Set(request, field, value);
            }
        }

        using var call = blog.Channel.CreateCallInvoker().AsyncUnaryCall(
            new Method<byte[], byte[]>(MethodType.Unary, method.Service.FullName, method.Name, Raw, Raw),
            null,
            new CallOptions(headers),
            request.ToByteArray());
        var answer = method.OutputType.Parser.ParseFrom(await AnswerAsync());
        return new Answer((string)Get(answer, "post_id"), (long)Get(answer, "version"), (string)Get(answer, "consistency_token"));

        async Task<byte[]> AnswerAsync()
        {
            try
            {
                return await call.ResponseAsync;
            }
            catch (RpcException exception) when (exception.StatusCode == StatusCode.Unimplemented)
            {
                throw new NotSupportedException($"{command} is in the proto and not in the server: add it to PostCommandGrpcService.cs.", exception);
            }
        }

        // Fields that mean the same everywhere by their name, others by their type.
        object? ValueOf(FieldDescriptor field) => field.Name switch
        {
            "post_id" => postId,
            "command_id" => commandId,
            "expected_version" => expectedVersion,
            "author" => "Ada",
            "slug" => null,
            _ => field.FieldType switch
            {
                FieldType.String => field.IsRepeated ? PostCommands.Tag : text,
                FieldType.Int64 => 1L,
                FieldType.Int32 => 1,
                FieldType.Bool => null,
                _ => throw new InvalidOperationException(
                    $"CommandCall.SendAsync has no value of type {field.FieldType} for {command}'s field {field.Name}: add one, or null to leave it out."),
            },
        };
    }

    /// <summary>The refusal of a command that must fail.</summary>
    public static async Task<Refusal> RefuseAsync(BlogService blog, string command, string postId, string commandId = "", long? expectedVersion = null) =>
        Refusal.Of(await Assert.ThrowsAsync<RpcException>(() => SendAsync(blog, command, postId, commandId, expectedVersion)));

    private static void Set(IMessage message, FieldDescriptor field, object value)
    {
        if (field.Accessor.GetValue(message) is System.Collections.IList list)
        {
            list.Add(value);
        }
        else
        {
            field.Accessor.SetValue(message, value);
        }
    }

    private static object Get(IMessage message, string field) => message.Descriptor.FindFieldByName(field).Accessor.GetValue(message);
}
