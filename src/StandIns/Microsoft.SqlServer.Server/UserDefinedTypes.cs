namespace Microsoft.SqlServer.Server;

/// <summary>How a user-defined type is serialised.</summary>
public enum Format
{
    /// <summary>The format was not stated.</summary>
    Unknown = 0,

    /// <summary>Field by field, by the server.</summary>
    Native = 1,

    /// <summary>By the type itself, through <see cref="IBinarySerialize"/>.</summary>
    UserDefined = 2,
}

/// <summary>A type that reads and writes its own bytes.</summary>
public interface IBinarySerialize
{
    /// <summary>Takes the value from <paramref name="r"/>.</summary>
    void Read(BinaryReader r);

    /// <summary>Puts the value into <paramref name="w"/>.</summary>
    void Write(BinaryWriter w);
}

/// <summary>Marks a type as a SQL Server user-defined type.</summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Struct, AllowMultiple = false, Inherited = true)]
public sealed class SqlUserDefinedTypeAttribute(Format format) : Attribute
{
    /// <summary>How the type is serialised.</summary>
    public Format Format { get; } = format;

    /// <summary>The largest serialised size in bytes; -1 stands for up to 2 GB.</summary>
    public int MaxByteSize { get; set; }

    /// <summary>Whether every value has the same serialised size.</summary>
    public bool IsFixedLength { get; set; }

    /// <summary>Whether the serialised bytes sort as the values do.</summary>
    public bool IsByteOrdered { get; set; }

    /// <summary>The method that checks a deserialised value, or null.</summary>
    public string? ValidationMethodName { get; set; }

    /// <summary>The type's name in the database, or null.</summary>
    public string? Name { get; set; }
}

/// <summary>A type was used as a user-defined type without meeting the contract.</summary>
public sealed class InvalidUdtException : SystemException
{
    private InvalidUdtException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception for <paramref name="udtType"/> with the reason in <paramref name="resourceReason"/>.</summary>
    public static InvalidUdtException Create(Type udtType, string resourceReason)
    {
        ArgumentNullException.ThrowIfNull(udtType);
        return new InvalidUdtException($"'{udtType.FullName}' is an invalid user-defined type, reason: {resourceReason}.");
    }
}
