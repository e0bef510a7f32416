using Grpc.Core;
using GrpcCqrs.Hosting;
using Library.V1;

namespace Library;

internal sealed class LibraryCommands(ServiceCalls calls) : LibraryCommandService.LibraryCommandServiceBase
{
    public override async Task<AddBookResponse> AddBook(AddBookRequest request, ServerCallContext context)
    {
        var (_, version, token, _) = await calls.SendAsync(request, new AddBook(request.BookId, request.Title), context);
        return new() { Version = version, ConsistencyToken = token };
    }

    public override async Task<LendBookResponse> LendBook(LendBookRequest request, ServerCallContext context)
    {
        var (_, version, token, _) = await calls.SendAsync(request, new LendBook(request.BookId, request.Reader), context);
        return new() { Version = version, ConsistencyToken = token };
    }
}

internal sealed class LibraryQueries(ServiceCalls calls) : LibraryQueryService.LibraryQueryServiceBase
{
    public override async Task<ListBooksResponse> ListBooks(ListBooksRequest request, ServerCallContext context)
    {
        var (rows, _, _) = await calls.AskAsync<ListBooks, IReadOnlyList<BookRow>>(request, new ListBooks(request.Lent), context);
        return new() { Books = { rows.Select(row => new V1.Book { BookId = row.BookId, Title = row.Title, Reader = row.Reader }) } };
    }
}
