namespace GrpcCqrs.EventSourcing;

/// <summary>
/// A table that only one projection writes. It is declared here once. The engine creates it for each generation of the
/// projection, under a name that ends with the generation's number (<see cref="GenerationNames"/>).
/// </summary>
/// <param name="Name">The table's name, without a generation; lower case with underscores.</param>
/// <param name="Row">
/// The class of its rows, from which EF Core makes the table: one column for each property, keys, lengths and indexes by EF
/// Core's attributes. Null where <see cref="Statements"/> create the table.
/// </param>
public sealed record ProjectionTable(string Name, Type? Row = null)
{
    /// <summary>
    /// What EF Core cannot express, such as a full-text table or an index over an expression. The statements run in this order
    /// after the table was created from <see cref="Row"/>. Names of tables and indexes stand in braces, like
    /// <c>CREATE INDEX {ix_books_words} ON {books} (lower(title))</c>.
    /// </summary>
    public IReadOnlyList<string> Statements { get; init; } = [];
}
