using GrpcCqrs.EventSourcing;
using GrpcCqrs.Hosting;
using GrpcCqrs.Storage;
using GrpcCqrs.Storage.Sqlite;
using Library;

return await OperatorCommands.RunAsync(Build, args);

static WebApplication Build(string[] args)
{
    var builder = WebApplication.CreateBuilder(args);
    builder.AddGrpcCqrs(errorDomain: "library", queryServices: "library.v1.LibraryQueryService");
    builder.Services
        .AddEventSourcing()
        .AddEvents<BookEvent>(BookJson.Default)
        .AddAggregate<Book, BookEvent>()
        .AddDecisions<Book, BookEvent>(typeof(AddBook).Assembly)
        .AddEventStorage()
        .AddDatabases(options => new LibraryWriteDbContext(options), options => new LibraryReadDbContext(options))
        .AddDatabaseProvider(new SqliteProvider())
        .AddProjection<BookListProjection>()
        .AddReadModelQuery<ListBooks, IReadOnlyList<BookRow>, ListBooksHandler>("book_list");

    var app = builder.Build();
    app.MapGrpcCqrs();
    app.MapGrpcService<LibraryCommands>().RefuseWhenOverloaded();
    app.MapGrpcService<LibraryQueries>();
    return app;
}
