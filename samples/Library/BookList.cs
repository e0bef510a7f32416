using System.ComponentModel.DataAnnotations;
using Dapper;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.Projections;
using GrpcCqrs.Storage.Projections.Folds;
using GrpcCqrs.Storage.Projections.Rows;
using GrpcCqrs.Storage.Schema;
using Microsoft.EntityFrameworkCore;

namespace Library;

[Index(nameof(Reader), nameof(Title))]
public sealed class BookRow
{
    [Key]
    [MaxLength(36)]
    public required string BookId { get; set; }

    [MaxLength(Fields.MaxText)]
    public required string Title { get; set; }

    [MaxLength(Fields.MaxText)]
    public required string Reader { get; set; }

    public required long Version { get; set; }

    public required long CreateTime { get; set; }

    public required long UpdateTime { get; set; }
}

public sealed class BookListProjection() : AggregateProjection<Book, BookEvent>(
[
    StreamTable.Row<Folded<Book>, BookRow>(
        "books",
        (id, book) => new BookRow
        {
            BookId = id,
            Title = book.State.Title,
            Reader = book.State.Reader,
            Version = book.Version,
            CreateTime = book.CreateTime,
            UpdateTime = book.UpdateTime,
        },
        row => new Folded<Book>(new Book(row.BookId, row.Title, row.Reader), row.Version, row.CreateTime, row.UpdateTime)),
])
{
    public override string Name => "book_list";

    public override int Version => 1;
}

public sealed record ListBooks(bool Lent);

public sealed class ListBooksHandler(ReadDatabase database) : IReadModelQueryHandler<ListBooks, IReadOnlyList<BookRow>>
{
    public async ValueTask<IReadOnlyList<BookRow>> HandleAsync(ListBooks query, ReadView view, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenReaderAsync(cancellationToken);
        var sql = database.Provider.FirstRows(
            $"SELECT {RowType<BookRow>.Instance.SelectList()} FROM {view.Table("books")}"
            + $" WHERE reader {(query.Lent ? "<>" : "=")} '' ORDER BY title, book_id");
        return (await connection.QueryAsync<BookRow>(new CommandDefinition(sql, new { count = 100 }, cancellationToken: cancellationToken))).AsList();
    }
}

public sealed class LibraryWriteDbContext(DbContextOptions options) : WriteDbContext(options);

public sealed class LibraryReadDbContext(DbContextOptions options) : ReadDbContext(options);
