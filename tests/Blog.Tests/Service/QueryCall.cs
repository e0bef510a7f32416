using System.Collections;
using Blog.V1;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using GrpcCqrs.EventSourcing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;
using Enum = System.Enum;

namespace Blog.Tests.Service;

/// <summary>Any query by its name, with well-formed arguments, for what must hold for all of them. A new one is among them by itself.</summary>
internal static class QueryCall
{
    private static readonly Marshaller<byte[]> Raw = Marshallers.Create(bytes => bytes, bytes => bytes);

    /// <summary>A value of each text that a query takes.</summary>
    private static readonly Dictionary<string, string> OtherTexts = new(StringComparer.Ordinal)
    {
        ["author"] = "Ada",
        ["end_day"] = "2030-01-01",
        ["post_id"] = PostCalls.UnknownId,
        ["prefix"] = "paged",
        ["query"] = "other",
        ["slug"] = "unknown",
        ["start_day"] = "1970-01-01",
        ["tag"] = "paged-1",
    };

    private static readonly IList<MethodDescriptor> Methods = PostQueryService.Descriptor.Methods;

    /// <summary>All queries.</summary>
    public static TheoryData<string> All => [.. Names];

    public static IEnumerable<string> Names => Methods.Select(method => method.Name);

    /// <summary>The queries that are answered page by page.</summary>
    public static TheoryData<string> Paged => [.. With("page_token")];

    /// <summary>The names of the queries whose request has this field.</summary>
    public static IEnumerable<string> With(string field) =>
        Methods.Where(method => method.InputType.FindFieldByName(field) is not null).Select(method => method.Name);

    /// <summary>The fields of a query's request.</summary>
    public static IList<FieldDescriptor> FieldsOf(string query) => MethodOf(query).InputType.Fields.InDeclarationOrder();

    /// <summary>A request that the service accepts: what a query demands is set, what it leaves open is not.</summary>
    public static IMessage Request(string query, string postId)
    {
        var request = MethodOf(query).InputType.Parser.ParseFrom(ByteString.Empty);
        Set(request, "post_id", postId);
        Set(request, "query", "paged");
        Set(request, "version", 1L);
        return request;
    }

    /// <summary>The same request with one field set, or with an element added to a repeated field.</summary>
    public static IMessage With(this IMessage request, string field, object value)
    {
        var accessor = request.Descriptor.FindFieldByName(field).Accessor;
        if (accessor.GetValue(request) is IList list)
        {
            list.Add(value);
        }
        else
        {
            accessor.SetValue(request, value);
        }

        return request;
    }

    /// <summary>Asks; the answer is the first message of a watch.</summary>
    public static async Task<IMessage> SendAsync(BlogService blog, string query, IMessage request)
    {
        var method = MethodOf(query);
        var type = method.IsServerStreaming ? MethodType.ServerStreaming : MethodType.Unary;
        var call = new Method<byte[], byte[]>(type, method.Service.FullName, method.Name, Raw, Raw);
        var invoker = blog.Channel.CreateCallInvoker();
        try
        {
            if (!method.IsServerStreaming)
            {
                using var unary = invoker.AsyncUnaryCall(call, null, new CallOptions(), request.ToByteArray());
                return method.OutputType.Parser.ParseFrom(await unary.ResponseAsync);
            }

            using var watch = invoker.AsyncServerStreamingCall(call, null, new CallOptions(), request.ToByteArray());
            Assert.True(await watch.ResponseStream.MoveNext(CancellationToken.None));
            return method.OutputType.Parser.ParseFrom(watch.ResponseStream.Current);
        }
        catch (RpcException exception) when (exception.StatusCode == StatusCode.Unimplemented)
        {
            throw new NotSupportedException($"{query} is in the proto and not in the server: add it to PostQueryGrpcService.cs and BlogMapping.cs.", exception);
        }
    }

    /// <summary>Asks for a page; the answer is the token of the next.</summary>
    public static async Task<string> NextPageAsync(BlogService blog, string query, string postId, string pageToken)
    {
        var answer = await SendAsync(blog, query, Request(query, postId).With("page_size", 1).With("page_token", pageToken));
        return (string)answer.Descriptor.FindFieldByName("next_page_token").Accessor.GetValue(answer);
    }

    /// <summary>The refusal of a query that must fail.</summary>
    public static async Task<Refusal> RefuseAsync(BlogService blog, string query, IMessage request)
    {
        try
        {
            await SendAsync(blog, query, request);
        }
        catch (RpcException exception)
        {
            return Refusal.Of(exception);
        }

        Assert.Fail($"{query} answers {request}, which must be refused.");
        return null;
    }

    /// <summary>All that a query lists, page by page, as each element's text.</summary>
    /// <param name="blog">The service.</param>
    /// <param name="query">Its name.</param>
    /// <param name="request">The request; its page size and page token are set here.</param>
    /// <param name="pageSize">The page size; 0 for the largest.</param>
    public static async Task<IReadOnlyList<string>> ListAsync(BlogService blog, string query, IMessage request, int pageSize = 0)
    {
        var elements = new List<string>();
        request.With("page_size", pageSize > 0 ? pageSize : MaxPageSizeOf(blog, query));
        while (true)
        {
            var answer = await SendAsync(blog, query, request);
            var list = answer.Descriptor.Fields.InDeclarationOrder().Single(field => field.IsRepeated);
            elements.AddRange(((IList)list.Accessor.GetValue(answer)).Cast<object>().Select(element => $"{element}"));
            var next = (string)answer.Descriptor.FindFieldByName("next_page_token").Accessor.GetValue(answer);
            if (next.Length == 0)
            {
                return elements;
            }

            request.With("page_token", next);
        }
    }

    /// <summary>The largest page of a query.</summary>
    public static int MaxPageSizeOf(BlogService blog, string query)
    {
        var type = RegistrationOf(blog, query).QueryType;
        return (int?)type.GetField("MaxPageSize")?.GetRawConstantValue() ?? throw new InvalidOperationException($"{type.Name} needs a constant MaxPageSize.");
    }

    /// <summary>Whether a field chooses what a query answers; the others say how much of it, or how it is shown.</summary>
    public static bool IsFilter(FieldDescriptor field) =>
        field.Name is not ("page_size" or "page_token" or "consistency_token" or "include_data" or "include_changes");

    /// <summary>Valid values of a filter, each another than where it is not set.</summary>
    public static IReadOnlyList<object> OthersOf(string query, FieldDescriptor field)
    {
        if (field.FieldType == FieldType.Enum)
        {
            return [.. ValuesOf(field).Select(number => EnumOf(field, number)).Where(value => !value.Equals(PostStatus.Deleted))];
        }

        if (field.FieldType == FieldType.Bool)
        {
            return field.HasPresence ? [true, false] : [true];
        }

        if (field.FieldType == FieldType.Message && field.MessageType.ClrType == typeof(TimeRange))
        {
            return [new TimeRange { StartTime = Timestamp.FromDateTimeOffset(DateTimeOffset.UnixEpoch) }];
        }

        return field.FieldType == FieldType.Int64 ? [1L]
            : OtherTexts.TryGetValue(field.Name, out var text) ? [text]
            : throw new InvalidOperationException($"QueryCall has no other value for {query}'s field {field.Name}: add one to OtherTexts.");
    }

    /// <summary>How the query is registered, under the name of its RPC.</summary>
    public static QueryRegistration RegistrationOf(BlogService blog, string query) =>
        blog.Services.GetServices<QueryRegistration>().SingleOrDefault(registration => registration.QueryType.Name == query)
        ?? throw new InvalidOperationException($"No query is registered under the name {query}; RegistrationTests say where it belongs.");

    /// <summary>The numbers of an enum's values but 0, which stands for none.</summary>
    public static IReadOnlyList<int> ValuesOf(FieldDescriptor field) => [.. field.EnumType.Values.Select(value => value.Number).Where(number => number != 0)];

    /// <summary>An enum's value by its number, which need not be one that there is.</summary>
    public static object EnumOf(FieldDescriptor field, int number) => Enum.ToObject(field.EnumType.ClrType, number);

    private static MethodDescriptor MethodOf(string query) => PostQueryService.Descriptor.FindMethodByName(query);

    private static void Set(IMessage message, string field, object value) => message.Descriptor.FindFieldByName(field)?.Accessor.SetValue(message, value);
}
