using System.Text;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.Projections;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace GrpcCqrs.Storage.Schema;

/// <summary>
/// Generates the schema's SQL, for services whose login may not change the schema. Opens no database.
/// </summary>
internal sealed class SchemaScript
{
    private readonly WriteDatabase write;
    private readonly ReadDatabase read;
    private readonly ProjectionSchema schema;
    private readonly IReadOnlyList<IProjection> projections;

    internal SchemaScript(WriteDatabase write, ReadDatabase read, ProjectionSchema schema, IEnumerable<IProjection> projections)
    {
        this.write = write;
        this.read = read;
        this.schema = schema;
        this.projections = [.. projections];
    }

    /// <summary>All migrations of the write database.</summary>
    public string ForWriteDatabase()
    {
        using var context = new WriteSchemaContext(write.ContextOptions());
        return Migrations(context);
    }

    /// <summary>All migrations of the read database, and the tables of one generation of each projection.</summary>
    /// <param name="generation">
    /// The number of the generation: 1 for a new database; for a rebuild or a new version of a projection, one more
    /// than the highest number in <c>projections</c>.
    /// </param>
    public string ForReadDatabase(int generation)
    {
        using var context = new ReadSchemaContext(read.ContextOptions());
        var script = new StringBuilder(Migrations(context));
        foreach (var projection in projections)
        {
            script.Append('\n');
            foreach (var statement in schema.Create(projection, generation))
            {
                script.Append(statement).Append(";\n");
            }
        }

        return script.ToString().ReplaceLineEndings("\n");
    }

    private static string Migrations(DbContext context) => context.GetService<IMigrator>().GenerateScript().ReplaceLineEndings("\n").Trim() + "\n";
}
