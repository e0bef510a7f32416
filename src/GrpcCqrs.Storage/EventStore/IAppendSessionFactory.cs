using System.Data.Common;

namespace GrpcCqrs.Storage.EventStore;

/// <summary>What a database provider adds for the write database: the statements of appends.</summary>
internal interface IAppendSessionFactory
{
    /// <summary>Creates the append queue's session on a connection to this database.</summary>
    AppendSession CreateAppendSession(DbConnection connection);
}
