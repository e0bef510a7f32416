using System.Text.Json;
using GrpcCqrs.Storage.SqlServer;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;
using Microsoft.SqlServer.TransactSql.ScriptDom;
using Xunit;

namespace GrpcCqrs.Storage.Tests;

/// <summary>What can be held of SQL Server's texts without a server: that they are T-SQL of 2019, and fit the tables and the rows.</summary>
public sealed class SqlServerSyntaxTests
{
    [Fact]
    public void Every_statement_is_one_of_SQL_Server_2019() => Assert.All(
        ProviderStatements.Of("SqlServer"), statement => Assert.Empty(TransactSql.FaultsOf(statement.Text, parameters: null)));

    [Fact]
    public void Every_request_is_one_of_SQL_Server_2019_and_declares_its_parameters() => Assert.All(
        Requests, request => Assert.Empty(TransactSql.FaultsOf(request.Text, [.. request.Parameters.Select(parameter => parameter.ParameterName)])));

    /// <summary>OPENJSON says nothing of a column that it does not find: it gives NULL.</summary>
    [Fact]
    public void Every_column_that_is_read_out_of_JSON_is_written_into_it()
    {
        var columns = 0;
        foreach (var request in Requests)
        {
            foreach (var set in Find<OpenJsonTableReference>(request.Text))
            {
                var parameter = request.Parameters.Single(parameter => parameter.ParameterName == ((VariableReference)set.Variable).Name);
                using var json = JsonDocument.Parse((string)parameter.Value);
                foreach (var column in set.SchemaDeclarationItems.Where(item => item.Mapping is null))
                {
                    var name = column.ColumnDefinition.ColumnIdentifier.Value;
                    Assert.All(json.RootElement.EnumerateArray(), row => Assert.True(
                        row.TryGetProperty(name, out _) || parameter.ParameterName == "@audit" && name == "position", $"{parameter.ParameterName}: {name}"));
                    columns++;
                }
            }
        }

        Assert.True(columns > 40);
    }

    /// <summary>A shorter text would be cut off or lost, a number of another type converted.</summary>
    [Fact]
    public void Every_column_that_is_read_out_of_JSON_has_the_type_of_the_column_that_it_is_written_to()
    {
        // The outbox row has plain parameters.
        var inserts = Requests.SelectMany(request => Find<InsertSpecification>(request.Text)).Where(insert => insert.InsertSource is SelectInsertSource).ToArray();
        Assert.Equal(5, inserts.Length);
        using var context = Context();
        foreach (var insert in inserts)
        {
            var table = TableOf(context, ((NamedTableReference)insert.Target).SchemaObject.BaseIdentifier.Value);
            var select = (QuerySpecification)((SelectInsertSource)insert.InsertSource).Select;
            var read = ((OpenJsonTableReference)Assert.Single(select.FromClause.TableReferences)).SchemaDeclarationItems
                .ToDictionary(item => item.ColumnDefinition.ColumnIdentifier.Value, item => TextOf(item.ColumnDefinition.DataType), StringComparer.Ordinal);
            Assert.Equal(insert.Columns.Count, select.SelectElements.Count);
            foreach (var (target, value) in insert.Columns.Zip(select.SelectElements.Cast<SelectScalarExpression>()))
            {
                var column = table[target.MultiPartIdentifier.Identifiers[^1].Value];
                if (value.Expression is ColumnReferenceExpression source)
                {
                    Assert.Equal(column.GetColumnName(), source.MultiPartIdentifier.Identifiers[^1].Value);
                    Assert.Equal(column.GetColumnType(), read[column.GetColumnName()]);
                }
                else
                {
                    Assert.StartsWith("varbinary", column.GetColumnType(), StringComparison.Ordinal);
                }
            }

            Assert.Equal(
                table.Values.Where(column => column.ValueGenerated == ValueGenerated.Never || column.ClrType != typeof(long)).Select(column => column.GetColumnName()).Order(StringComparer.Ordinal),
                insert.Columns.Select(column => column.MultiPartIdentifier.Identifiers[^1].Value).Order(StringComparer.Ordinal));
        }
    }

    [Theory]
    [InlineData("SELECT position FROM events WHERE", "Unexpected end of file")]
    [InlineData("SELECT position FROM events LIMIT 5", "Incorrect syntax")]
    [InlineData("MERGE unique_keys AS t USING unique_keys AS s ON t.value = s.value WHEN MATCHED THEN DELETE;", "MERGE")]
    [InlineData("UPDATE sequencer WITH (HOLDLOCK) SET position = 1", "table hint HoldLock")]
    [InlineData("SELECT position FROM events WITH (SERIALIZABLE)", "table hint Serializable")]
    [InlineData("SELECT position FROM events (NOLOCK)", "table hint NoLock")]
    [InlineData("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "isolation level Serializable")]
    [InlineData("SELECT hash FROM events WHERE stream = @stream AND position = @position", "@position is not declared")]
    [InlineData("SELECT GREATEST(1, 2)", "function GREATEST")]
    [InlineData("SELECT DATETRUNC(day, 0)", "function DATETRUNC")]
    [InlineData("SELECT value FROM GENERATE_SERIES(1, 5)", "function GENERATE_SERIES")]
    [InlineData("SELECT value FROM STRING_SPLIT('a b', ' ', 1)", "function STRING_SPLIT")]
    [InlineData("SELECT JSON_OBJECT('a':1)", "")]
    [InlineData("SELECT position FROM events WHERE stream IS NOT DISTINCT FROM @stream", "")]
    [InlineData("CREATE TABLE a (b json)", "type json")]
    public void The_check_refuses_what_is_newer_not_allowed_or_no_SQL(string text, string fault) =>
        Assert.Contains(fault, Assert.Single(TransactSql.FaultsOf(text, ["@stream"])), StringComparison.Ordinal);

    [Fact]
    public void The_check_refuses_more_parameters_than_a_request_takes() =>
        Assert.Equal(["2099 parameters"], TransactSql.FaultsOf("SELECT 1", [.. Enumerable.Range(0, 2_099).Select(number => $"@k{number}")]));

    private static SqlServerRequest[] Requests =>
        [SqlServerAppendSession.LookUps(SampleBatch.Checks), SqlServerAppendSession.Writes(SampleBatch.Rows, new SqlServerProvider())];

    private static LedgerWriteDbContext Context()
    {
        var options = new DbContextOptionsBuilder();
        new SqlServerProvider().Configure(options, "Server=localhost");
        return new LedgerWriteDbContext(options.Options);
    }

    private static Dictionary<string, IProperty> TableOf(DbContext context, string name) => context.Model.GetEntityTypes()
        .Single(entity => entity.GetTableName() == name).GetProperties().ToDictionary(property => property.GetColumnName(), StringComparer.Ordinal);

    private static string TextOf(TSqlFragment fragment) => string.Concat(
        fragment.ScriptTokenStream.Skip(fragment.FirstTokenIndex).Take(fragment.LastTokenIndex - fragment.FirstTokenIndex + 1).Select(token => token.Text));

    private static List<TNode> Find<TNode>(string text)
        where TNode : TSqlFragment
    {
        var found = new Finder<TNode>();
        TransactSql.Parse(text).Accept(found);
        return found.Nodes;
    }

    private sealed class Finder<TNode> : TSqlFragmentVisitor
        where TNode : TSqlFragment
    {
        public List<TNode> Nodes { get; } = [];

        public override void Visit(TSqlFragment node)
        {
            if (node is TNode wanted)
            {
                Nodes.Add(wanted);
            }
        }
    }
}
