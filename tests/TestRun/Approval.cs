using Xunit;

namespace TestRun;

/// <summary>Texts that are approved in a file, so that a change of them shows in the review.</summary>
internal static class Approval
{
    private const string Variable = "GRPCCQRS_APPROVE";

    /// <summary>Demands that a file holds a text; writes it there instead where <c>GRPCCQRS_APPROVE</c> is <c>1</c>.</summary>
    /// <param name="file">The file's path in the repository.</param>
    /// <param name="text">What the code makes now.</param>
    public static void Verify(string file, string text)
    {
        if (Environment.GetEnvironmentVariable(Variable) == "1")
        {
            File.WriteAllText(file, text);
            return;
        }

        var approved = File.Exists(file) ? File.ReadAllText(file) : "";
        if (approved == text)
        {
            return;
        }

        var (wanted, found) = (approved.Split('\n'), text.Split('\n'));
        var line = wanted.Zip(found).TakeWhile(pair => pair.First == pair.Second).Count();
        var project = Path.GetFileName(Path.GetDirectoryName(Path.GetDirectoryName(file)));
        Assert.Fail(
            $"{Path.GetFileName(file)} is not what the code makes, from line {line + 1}:\n  approved: {wanted.ElementAtOrDefault(line)}\n  made:     {found.ElementAtOrDefault(line)}\n"
            + $"Where the change is meant, run {Variable}=1 dotnet test tests/{project} and commit the file.");
    }
}
