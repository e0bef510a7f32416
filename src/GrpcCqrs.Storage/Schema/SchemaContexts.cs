using Microsoft.EntityFrameworkCore;

namespace GrpcCqrs.Storage;

/// <summary>The engine's own view of a write database, which its migrations belong to (EF Core binds a migration to one context type).</summary>
internal sealed class WriteSchemaContext(DbContextOptions options) : WriteDbContext(options);

/// <summary>The engine's own view of a read database, without the tables of projections.</summary>
internal sealed class ReadSchemaContext(DbContextOptions options) : ReadDbContext(options);
