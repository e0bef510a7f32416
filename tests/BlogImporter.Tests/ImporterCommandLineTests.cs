using Xunit;

namespace BlogImporter.Tests;

public sealed class ImporterCommandLineTests
{
    [Theory]
    [InlineData]
    [InlineData("history.jsonl", "--git", ".")]
    [InlineData("history.jsonl", "--parallel", "0")]
    [InlineData("history.jsonl", "--parallel", "many")]
    [InlineData("history.jsonl", "--verify-history", "-1")]
    [InlineData("history.jsonl", "--server", "localhost")]
    [InlineData("history.jsonl", "--unknown")]
    public async Task A_command_line_that_makes_no_sense_does_not_run(params string[] args) =>
        Assert.Equal(Importer.NotFinished, await ImporterCommandLine.RunAsync(args));

    [Fact]
    public async Task Help_is_no_failure() => Assert.Equal(Importer.AllGood, await ImporterCommandLine.RunAsync(["--help"]));
}
