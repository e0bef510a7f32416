using Microsoft.EntityFrameworkCore;

namespace GrpcCqrs.Storage;

/// <summary>
/// The engine's own context for a write database. Its migrations belong to it, since EF Core binds a migration to one
/// context type.
/// </summary>
internal sealed class WriteSchemaContext(DbContextOptions options) : WriteDbContext(options);

/// <summary>The engine's own context for a read database, without the projections' tables.</summary>
internal sealed class ReadSchemaContext(DbContextOptions options) : ReadDbContext(options);
