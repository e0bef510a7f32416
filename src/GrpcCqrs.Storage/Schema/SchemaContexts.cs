using GrpcCqrs.Storage.Projections;
using Microsoft.EntityFrameworkCore;

namespace GrpcCqrs.Storage.Schema;

/// <summary>
/// The engine's own context for a write database: EF Core binds the engine's migrations to this type.
/// </summary>
internal sealed class WriteSchemaContext(DbContextOptions options) : WriteDbContext(options);

/// <summary>The engine's own context for a read database, without the projections' tables.</summary>
internal sealed class ReadSchemaContext(DbContextOptions options) : ReadDbContext(options);
