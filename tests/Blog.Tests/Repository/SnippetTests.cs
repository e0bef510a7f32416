using System.Text.RegularExpressions;
using Xunit;

namespace Blog.Tests.Repository;

/// <summary>The README's code is code that compiles: each snippet stands in the file that it names.</summary>
public sealed partial class SnippetTests
{
    [Fact]
    public void Every_snippet_of_the_readme_stands_in_the_file_that_it_names()
    {
        var snippets = Snippet().Matches(Checkout.Read("README.md"));

        Assert.NotEmpty(snippets);
        Assert.All(snippets, snippet => Assert.Contains(
            snippet.Groups["code"].Value, Checkout.Read(snippet.Groups["file"].Value), StringComparison.Ordinal));
    }

    [GeneratedRegex(@"<!-- snippet: (?<file>\S+) -->\n```csharp\n(?<code>[^`]+)```", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Snippet();
}
