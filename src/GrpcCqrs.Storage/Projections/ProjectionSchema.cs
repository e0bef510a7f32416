using System.Data.Common;
using System.Security.Cryptography;
using System.Text;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.Projections.Rows;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Metadata;
using Microsoft.EntityFrameworkCore.Migrations;
using Microsoft.EntityFrameworkCore.Migrations.Operations;

namespace GrpcCqrs.Storage.Projections;

/// <summary>
/// Generates the statements that create and drop a generation's tables. They come from the projections' row classes
/// through EF Core's SQL generator for the database, so one declaration serves every database.
/// </summary>
internal sealed class ProjectionSchema(ReadDatabase database, ReadContextFactory contexts)
{
    /// <summary>The statements that create one table of a generation and its indexes.</summary>
    public IReadOnlyList<string> Create(ProjectionTable table, int generation)
    {
        IEnumerable<string> statements = [];
        if (table.Row is not null)
        {
            // All instances of the context share one model, so a new one is cheap after the first.
            using var context = contexts.Create();
            var model = context.GetService<IDesignTimeModel>().Model;
            var operations = context.GetService<IMigrationsModelDiffer>().GetDifferences(null, model.GetRelationalModel())
                .Where(operation => IsOf(table, operation)).ToArray();
            foreach (var operation in operations)
            {
                Rename(operation, generation);
            }

            statements = context.GetService<IMigrationsSqlGenerator>().Generate(operations).Select(command => command.CommandText.TrimEnd().TrimEnd(';'));
        }

        return [.. statements, .. table.Statements.Select(statement => GenerationNames.Resolve(generation, statement))];
    }

    /// <summary>All statements that create a new generation of a projection.</summary>
    public IReadOnlyList<string> Create(IProjection projection, int generation) =>
        [.. projection.Tables.SelectMany(table => Create(table, generation))];

    public static string Drop(string table, int generation) => $"DROP TABLE {GenerationNames.NameIn(generation, table)}";

    /// <summary>A hash of what a projection declares of its tables, whatever the database and EF Core's version.</summary>
    public static string ShapeOf(IProjection projection)
    {
        var text = new StringBuilder();
        foreach (var table in projection.Tables)
        {
            text.Append(table.Name).Append('\n');
            foreach (var line in table.Row is null ? table.Statements : [.. RowType.Of(table.Row).Declarations, .. table.Statements])
            {
                text.Append("  ").Append(line).Append('\n');
            }
        }

        return Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }

    /// <summary>
    /// Creates a generation's tables. Empties a table that already exists, for example from <c>schema --script</c>.
    /// </summary>
    /// <exception cref="SchemaException">The database rejected a statement.</exception>
    public async Task CreateAsync(IProjection projection, int generation, DbTransaction transaction, CancellationToken cancellationToken)
    {
        foreach (var table in projection.Tables)
        {
            var name = GenerationNames.NameIn(generation, table.Name);
            IReadOnlyList<string> statements = await ExistsAsync(name, transaction, cancellationToken) ? [$"DELETE FROM {name}"] : Create(table, generation);
            foreach (var statement in statements)
            {
                await RunAsync(statement, transaction, cancellationToken);
            }
        }
    }

    /// <summary>Runs a schema statement.</summary>
    /// <exception cref="SchemaException">The database rejected it.</exception>
    public static async Task RunAsync(string statement, DbTransaction transaction, CancellationToken cancellationToken, int timeoutSeconds = 0)
    {
        await using var command = Statement.Once(transaction.Connection!, transaction, statement);
        command.CommandTimeout = timeoutSeconds;
        try
        {
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
        catch (DbException exception)
        {
            throw new SchemaException(statement, exception);
        }
    }

    private async Task<bool> ExistsAsync(string name, DbTransaction transaction, CancellationToken cancellationToken)
    {
        await using var command = Statement.Once(transaction.Connection!, transaction, database.Provider.SelectTable, ("name", name));
        return await command.ExecuteScalarAsync(cancellationToken) is not null;
    }

    private static bool IsOf(ProjectionTable table, MigrationOperation operation) => operation switch
    {
        CreateTableOperation create => create.Name == table.Name,
        CreateIndexOperation index => index.Table == table.Name,
        _ => false,
    };

    private static void Rename(MigrationOperation operation, int generation)
    {
        switch (operation)
        {
            case CreateTableOperation create:
                create.Name = GenerationNames.NameIn(generation, create.Name);
                create.Columns.ForEach(column => column.Table = create.Name);
                create.PrimaryKey!.Name = GenerationNames.NameIn(generation, create.PrimaryKey.Name);
                create.PrimaryKey.Table = create.Name;
                break;
            case CreateIndexOperation index:
                (index.Name, index.Table) = (GenerationNames.NameIn(generation, index.Name), GenerationNames.NameIn(generation, index.Table));
                break;
        }
    }
}

/// <summary>The database rejected a schema statement.</summary>
/// <param name="statement">The statement.</param>
/// <param name="cause">The database's error.</param>
public sealed class SchemaException(string statement, DbException cause) : InvalidOperationException(
    $"The database refused a statement on its schema: {cause.Message}. The statement was: {statement}. If this login may not change the schema, have"
    + " someone who may run the statements that the command 'schema --script' prints.",
    cause)
{
    /// <summary>The rejected statement.</summary>
    public string Statement { get; } = statement;
}
