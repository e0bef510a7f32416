using System.Text.RegularExpressions;
using Xunit;

namespace Blog.Tests.Repository;

/// <summary>The documentation's code is code that compiles: each snippet stands in the file that it names.</summary>
public sealed partial class SnippetTests
{
    [Theory]
    [InlineData("README.md")]
    [InlineData("docs/your-own-service.md")]
    public void Every_snippet_stands_in_the_file_that_it_names(string document)
    {
        var snippets = Snippet().Matches(Checkout.Read(document));

        Assert.NotEmpty(snippets);
        Assert.All(snippets, snippet => Assert.True(
            Checkout.Read(snippet.Groups["file"].Value).Contains(snippet.Groups["code"].Value, StringComparison.Ordinal),
            $"Copy the code of {snippet.Groups["file"].Value} into {document}: they differ at\n{snippet.Groups["code"].Value}"));
    }

    [GeneratedRegex(@"<!-- snippet: (?<file>\S+) -->\n```csharp\n(?<code>[^`]+)```", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Snippet();
}
