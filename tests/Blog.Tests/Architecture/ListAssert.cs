using Xunit;

namespace Blog.Tests.Architecture;

/// <summary>Lists that must be the same, with what to edit where they are not.</summary>
internal static class ListAssert
{
    /// <summary>Demands the same elements, each as often, in any order.</summary>
    /// <param name="expected">What there must be.</param>
    /// <param name="found">What there is.</param>
    /// <param name="edit">What to edit where something is missing or too much.</param>
    public static void Same(IEnumerable<string> expected, IEnumerable<string> found, string edit)
    {
        var (wanted, present) = (expected.ToList(), found.ToList());
        string[] missing = [.. wanted.Where(element => !present.Remove(element))];
        Assert.True(
            missing.Length == 0 && present.Count == 0,
            $"Missing: {TextOf(missing)}. Too much: {TextOf(present)}. {edit}");
    }

    private static string TextOf(IReadOnlyCollection<string> elements) => elements.Count == 0 ? "nothing" : string.Join(", ", elements);
}
