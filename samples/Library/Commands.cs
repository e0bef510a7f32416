using GrpcCqrs.EventSourcing;

namespace Library;

public sealed record AddBook(string BookId, string Title) : IValidatable, IDecision<Book, BookEvent>
{
    public string AggregateId => Guid.Parse(BookId).ToString("D");

    public IEnumerable<FieldViolation> Validate() =>
        [.. Fields.CheckId(BookId), .. Fields.CheckText("title", Title)];

    public IReadOnlyList<BookEvent> Decide(Book aggregate) => aggregate.Add(Title);
}

public sealed record LendBook(string BookId, string Reader) : IValidatable, IDecision<Book, BookEvent>
{
    public string AggregateId => Guid.Parse(BookId).ToString("D");

    public IEnumerable<FieldViolation> Validate() =>
        [.. Fields.CheckId(BookId), .. Fields.CheckText("reader", Reader)];

    public IReadOnlyList<BookEvent> Decide(Book aggregate) => aggregate.Lend(Reader);
}

internal static class Fields
{
    public const int MaxText = 200;

    public static IEnumerable<FieldViolation> CheckId(string id) =>
        Guid.TryParse(id, out _) ? [] : [new FieldViolation("book_id", "Must be a UUID.")];

    public static IEnumerable<FieldViolation> CheckText(string field, string text) =>
        text.Length is > 0 and <= MaxText ? [] : [new FieldViolation(field, "Must be 1-200 characters.")];
}
