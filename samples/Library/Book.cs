using System.Diagnostics;
using System.Text.Json.Serialization;
using GrpcCqrs.EventSourcing;

namespace Library;

public abstract record BookEvent;

[StoredEvent("library.book-added", version: 1)]
public sealed record BookAdded(string Title) : BookEvent;

[StoredEvent("library.book-lent", version: 1)]
public sealed record BookLent(string Reader) : BookEvent;

[JsonSerializable(typeof(BookAdded))]
[JsonSerializable(typeof(BookLent))]
public sealed partial class BookJson : JsonSerializerContext;

public sealed record Book(string Id, string Title, string Reader) : IAggregate<Book, BookEvent>
{
    public static string Category => "book";

    public bool Exists => Title.Length > 0;

    public static Book Initial(string id) => new(id, "", "");

    public Book Apply(BookEvent @event) => @event switch
    {
        BookAdded added => this with { Title = added.Title },
        BookLent lent => this with { Reader = lent.Reader },
        _ => throw new UnreachableException($"Book.Apply has no case for {@event.GetType().Name}: add one."),
    };

    public IReadOnlyList<BookEvent> Add(string title) => Exists
        ? throw new RejectedException(BookErrors.Exists, $"There is a book {Id} already.")
        : [new BookAdded(title)];

    public IReadOnlyList<BookEvent> Lend(string reader) => this switch
    {
        { Exists: false } => throw new RejectedException(BookErrors.NotFound, $"There is no book {Id}."),
        { Reader: "" } => [new BookLent(reader)],
        _ => throw new RejectedException(BookErrors.IsLent, $"The book {Id} is lent to {Reader}."),
    };
}

public static class BookErrors
{
    public static readonly ErrorCode Exists = new("BOOK_EXISTS", ErrorKind.AlreadyExists, Retryable: false, "There is a book of this id.");

    public static readonly ErrorCode NotFound = new("BOOK_NOT_FOUND", ErrorKind.NotFound, Retryable: false, "There is no such book.");

    public static readonly ErrorCode IsLent = new("BOOK_IS_LENT", ErrorKind.FailedPrecondition, Retryable: false, "Somebody has the book.");
}
