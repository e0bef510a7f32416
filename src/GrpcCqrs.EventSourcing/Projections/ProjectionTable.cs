namespace GrpcCqrs.EventSourcing;

/// <summary>
/// A table that only one projection writes. The engine creates it for each generation of the projection, under a name
/// that ends with the generation's number (<see cref="GenerationNames"/>).
/// </summary>
/// <param name="Name">The table's name without the generation; lower case with underscores.</param>
/// <param name="Row">
/// The class of its rows, from which EF Core creates the table: one column per property; keys, lengths and indexes from
/// EF Core's attributes. Null if <see cref="Statements"/> create the table.
/// </param>
public sealed record ProjectionTable(string Name, Type? Row = null)
{
    /// <summary>
    /// What EF Core cannot express, such as a full-text table or an index on an expression. The statements run in order
    /// after the table is created from <see cref="Row"/>. Names of tables and indexes are in braces, as in <c>CREATE
    /// INDEX {ix_books_words} ON {books} (lower(title))</c>.
    /// </summary>
    public IReadOnlyList<string> Statements { get; init; } = [];
}
