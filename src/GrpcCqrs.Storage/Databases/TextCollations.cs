namespace GrpcCqrs.Storage.Databases;

/// <summary>The collations for byte-by-byte text comparison, independent of the database's own collation.</summary>
internal static class TextCollations
{
    /// <summary>For PostgreSQL. Its order is unaffected by upgrades of the operating system's C library.</summary>
    public const string PostgreSql = "C";

    /// <summary>For SQL Server.</summary>
    public const string SqlServer = "Latin1_General_100_BIN2";
}
