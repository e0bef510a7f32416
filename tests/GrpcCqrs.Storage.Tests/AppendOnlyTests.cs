using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Xunit;

namespace GrpcCqrs.Storage.Tests;

/// <summary>Events are never changed and never removed: no statement of the product says so.</summary>
public sealed partial class AppendOnlyTests
{
    [Theory]
    [InlineData("PostgreSql")]
    [InlineData("Sqlite")]
    [InlineData("SqlServer")]
    public void No_statement_of_a_provider_changes_or_removes_events(string provider)
    {
        var statements = ProviderStatements.Of(provider).Select(statement => statement.Text).ToArray();

        Assert.Contains(statements, statement => statement.StartsWith("INSERT INTO events", StringComparison.Ordinal));
        Assert.DoesNotContain(statements, statement => Mutation().IsMatch(statement));
    }

    [Fact]
    public void No_source_file_holds_such_a_statement_outside_the_migrations()
    {
        var files = Directory.EnumerateFiles(Path.Combine(RepositoryRoot(), "src"), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/Migrations/", StringComparison.Ordinal)).ToArray();

        Assert.True(files.Length > 50);
        Assert.All(files, file => Assert.True(Mutation().Match(File.ReadAllText(file)).Value.Length == 0, $"{file} seems to change or remove events."));
    }

    [Theory]
    [InlineData("UPDATE events SET payload = @payload")]
    [InlineData("delete from events where position = 1")]
    [InlineData("context.Events.Remove(row)")]
    [InlineData("context.Events.Where(e => true).ExecuteDelete()")]
    public void The_check_knows_such_a_statement_when_it_sees_one(string statement) => Assert.Matches(Mutation(), statement);

    private static string RepositoryRoot([CallerFilePath] string thisFile = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(thisFile)!, "..", ".."));

    [GeneratedRegex(
        @"(\b(UPDATE|DELETE\s+FROM|TRUNCATE(\s+TABLE)?|REPLACE\s+INTO|DROP\s+TABLE)\s+events\b)|(\bEvents\b[^;]*\.(Remove|RemoveRange|Update|ExecuteDelete|ExecuteUpdate)(Async)?\()",
        RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Mutation();
}
