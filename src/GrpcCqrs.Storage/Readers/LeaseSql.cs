namespace GrpcCqrs.Storage.Readers;

/// <summary>The statements of leases.</summary>
internal static class LeaseSql
{
    /// <summary>A lease.</summary>
    public const string Select = "SELECT holder, fence, beat FROM leases WHERE name = @name";

    /// <summary>Adds a lease without a holder.</summary>
    public const string Insert = "INSERT INTO leases (name, holder, fence, beat) VALUES (@name, '', @fence, 0)";

    /// <summary>Takes a lease over if neither its fence nor its beat has changed since it was read.</summary>
    public const string Take =
        "UPDATE leases SET holder = @holder, fence = fence + 1, beat = beat + 1"
        + " WHERE name = @name AND fence = @fence AND beat = @beat";

    /// <summary>Increments the beat as proof of life, and locks the row until the transaction ends.</summary>
    public const string Keep = "UPDATE leases SET beat = beat + 1 WHERE name = @name AND fence = @fence";

    /// <summary>Locks the row until the transaction ends, whichever process holds the lease.</summary>
    public const string Lock = "UPDATE leases SET beat = beat WHERE name = @name";

    /// <summary>Releases a lease.</summary>
    public const string Release = "UPDATE leases SET holder = '', beat = beat + 1 WHERE name = @name AND fence = @fence";

    /// <summary>Removes a lease.</summary>
    public const string Delete = "DELETE FROM leases WHERE name = @name";
}
