using System.Reflection;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.EventStore;
using GrpcCqrs.Storage.PostgreSql;
using GrpcCqrs.Storage.Sqlite;
using GrpcCqrs.Storage.SqlServer;

namespace GrpcCqrs.Storage.Tests;

/// <summary>Every statement that a provider and its append session can send, without a database.</summary>
internal static class ProviderStatements
{
    private static readonly Type[] Classes =
        [.. typeof(DatabaseProvider).Assembly.GetTypes().Where(type => type is { IsAbstract: true, IsSealed: true } && type.Name.EndsWith("Sql", StringComparison.Ordinal))];

    public static IReadOnlyList<(string Name, string Text)> Of(string providerName)
    {
        (DatabaseProvider Provider, Type? Sets, string? WriterSettings) dialect = providerName switch
        {
            "PostgreSql" => (new PostgreSqlProvider(), typeof(PostgreSqlSets), PostgreSqlProvider.WriterSettings(TimeSpan.FromSeconds(4))),
            "SqlServer" => (new SqlServerProvider(), typeof(SqlServerSets), SqlServerProvider.WriterSettings),
            _ => (new SqliteProvider(), null, null),
        };
        var statements = typeof(DatabaseProvider).GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(property => property.PropertyType == typeof(string) && property.Name != nameof(DatabaseProvider.Name))
            .Select(property => (property.Name, (string)property.GetValue(dialect.Provider)!))
            .Concat(Classes.SelectMany(type => type.GetFields(BindingFlags.Public | BindingFlags.Static))
                .Where(field => field.Name != nameof(EventSql.EventColumns))
                .Select(field => ($"{field.DeclaringType!.Name}.{field.Name}", (string)field.GetValue(null)!)))
            .Concat(Classes.SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Static))
                .Select(method => ($"{method.DeclaringType!.Name}.{method.Name}", (string)method.Invoke(null, [dialect.Provider])!)))
            .Append(("IsSameText(stream)", $"SELECT position FROM events WHERE {dialect.Provider.IsSameText("stream", "@stream")}"))
            .Append(("FirstRows(select)", dialect.Provider.FirstRows("SELECT id FROM audit ORDER BY id DESC")));
        var sets = dialect.Sets?.GetFields(BindingFlags.Public | BindingFlags.Static)
            .Select(field => ($"Set: {field.Name}", (string)field.GetValue(null)!)) ?? [];
        var settings = dialect.WriterSettings is { } text ? [("Writer settings", text)] : Array.Empty<(string, string)>();
        var projector = dialect.Provider is PostgreSqlProvider ? [("Projector settings", PostgreSqlProvider.ProjectorSettings(TimeSpan.FromSeconds(4)))] : Array.Empty<(string, string)>();
        (string, string)[] more = dialect.Provider is PostgreSqlProvider
            ?
            [
                ("Reader settings", PostgreSqlProvider.ReaderSettings),
                ("Rows: insert", PostgreSqlRows.TextOf(RowChange.Insert("books", "id", "title"), "books")),
                ("Rows: update", PostgreSqlRows.TextOf(RowChange.Update("book_topics", ["weight", "note"], ["id", "topic"]), "book_topics_g2")),
                ("Rows: delete", PostgreSqlRows.TextOf(RowChange.Delete("book_topics", ["id", "topic"]), "book_topics")),
            ]
            : [];
        return [.. settings, .. projector, .. more, .. statements.OrderBy(statement => statement.Item1, StringComparer.Ordinal), .. sets];
    }
}
