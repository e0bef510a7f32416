namespace GrpcCqrs.Storage.Databases;

/// <summary>
/// The widths of the text columns, in characters. Callers' input is checked against them before it gets here.
/// </summary>
internal static class ColumnWidths
{
    /// <summary>Names of event types and command types, and reason codes.</summary>
    public const int TypeName = 200;

    /// <summary>Correlation and causation ids.</summary>
    public const int CorrelationId = 128;

    /// <summary>User names.</summary>
    public const int User = 200;

    /// <summary>The kind of a job or of an operator's request.</summary>
    public const int Kind = 50;

    /// <summary>A command's reply.</summary>
    public const int Reply = 1_000;

    /// <summary>The scope of a unique key.</summary>
    public const int KeyScope = 50;

    /// <summary>The value of a unique key.</summary>
    public const int KeyValue = 200;

    /// <summary>The name of a reader of the log: a projection or a consumer group.</summary>
    public const int ReaderName = 100;

    /// <summary>The name of a lease: longer than the name of what it is for.</summary>
    public const int LeaseName = 120;
}
