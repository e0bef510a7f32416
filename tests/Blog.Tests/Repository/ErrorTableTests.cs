using System.Globalization;
using System.Text;
using Blog.Tests.Architecture;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Hosting;
using Xunit;

namespace Blog.Tests.Repository;

/// <summary>That docs/errors.md says what the code says.</summary>
public sealed class ErrorTableTests
{
    private const string File = "docs/errors.md";

    private const string Introduction = """
        # Errors

        Every refused call carries a `google.rpc.Status` in the trailer `grpc-status-details-bin`, with an `ErrorInfo` whose reason is one of
        those below and whose domain is the service's name (`blog`). Branch on the reason; the text is for people. *Retryable* says whether
        the same request can succeed later without any change by the caller; repeat commands under the same `command_id`.

        Beside the `ErrorInfo` stand, where they apply: `BadRequest` (each field at fault), `PreconditionFailure`, `ResourceInfo`, and
        `RetryInfo` (how long to wait). A status of gRPC itself (a request above the size limit, a deadline that passed, a cancelled call)
        comes without details. Any other failure is the service's own: INTERNAL, with a reference number under which its log says why.

        This file is held equal to the code by `ErrorTableTests`, which prints the right text when it differs.

        """;

    private static readonly IReadOnlyList<ErrorCode> All = [.. EngineErrors.All, .. FeedErrors.All, .. PostErrors.All];

    [Fact]
    public void The_table_in_the_docs_is_that_of_the_code()
    {
        var document = Document();
        var found = System.IO.File.Exists(Checkout.PathOf(File)) ? Checkout.Read(File) : "";
        Assert.True(string.Equals(document, found, StringComparison.Ordinal), $"{File} must be:\n{document}");
    }

    [Fact]
    public void Every_row_of_the_code_is_in_its_list()
    {
        var rows = new[] { typeof(EngineErrors), typeof(FeedErrors), typeof(PostErrors) }
            .SelectMany(type => type.GetFields())
            .Where(field => field.FieldType == typeof(ErrorCode))
            .Select(field => (ErrorCode)field.GetValue(null)!);
        ListAssert.Same(rows.Select(row => row.Reason), All.Select(row => row.Reason), "Add a new code to the list All of its class.");
    }

    [Fact]
    public void Every_reason_is_unique_and_in_upper_snake_case()
    {
        Assert.Equal(All.Count, All.Select(code => code.Reason).Distinct(StringComparer.Ordinal).Count());
        Assert.All(All, code => Assert.Matches("^[A-Z]+(_[A-Z]+)*$", code.Reason));
    }

    private static string Document()
    {
        var text = new StringBuilder(Introduction.ReplaceLineEndings("\n"))
            .Append("\n| Reason | gRPC status | Retryable | Meaning |\n|---|---|---|---|\n");
        foreach (var code in All)
        {
            text.Append(CultureInfo.InvariantCulture, $"| `{code.Reason}` | {StatusName(code.Kind)} | {(code.Retryable ? "yes" : "no")} | {code.Meaning} |\n");
        }

        return text.ToString();
    }

    /// <summary>The status as gRPC writes it: INVALID_ARGUMENT for InvalidArgument.</summary>
    private static string StatusName(ErrorKind kind) =>
        string.Concat(ErrorStatus.CodeOf(kind).ToString().Select((c, index) => index > 0 && char.IsUpper(c) ? $"_{c}" : $"{char.ToUpperInvariant(c)}"));
}
