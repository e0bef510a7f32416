using AutoMapper;
using Blog.Application;
using Blog.Application.Posts;
using Blog.Domain.Posts;
using Blog.Infrastructure;
using Blog.Infrastructure.Posts;
using Blog.Server;
using Blog.Tests.Repository;
using Blog.V1;
using GrpcCqrs.EventSourcing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;
using ServiceDescriptor = Google.Protobuf.Reflection.ServiceDescriptor;

namespace Blog.Tests.Architecture;

/// <summary>That what is written by hand, mapping and registrations, is complete.</summary>
public sealed class RegistrationTests
{
    private static readonly Type[] Handlers = [.. new[] { typeof(CreatePost), typeof(ListPostsHandler) }
        .SelectMany(type => type.Assembly.GetTypes())
        .Where(type => type is { IsClass: true, IsAbstract: false })];

    private static ServiceCollection Services()
    {
        var services = new ServiceCollection();
        services.AddBlogApplication().AddBlogInfrastructure();
        return services;
    }

    [Fact]
    public void The_mapping_is_complete() =>
        new MapperConfiguration(mapper => mapper.AddProfile<BlogMapping>(), NullLoggerFactory.Instance).AssertConfigurationIsValid();

    [Fact]
    public void Every_command_has_exactly_one_handler_and_every_handler_is_registered()
    {
        var registered = Instances<CommandRegistration>().Select(registration => (registration.CommandType, registration.HandlerType)).ToArray();
        ListAssert.Same(
            TextsOf(Handled(typeof(ICommandHandler<>))),
            TextsOf([.. registered.Where(pair => !pair.CommandType.IsAssignableTo(typeof(IDecision<global::Blog.Domain.Posts.Post, PostEvent>)))]),
            "Register each handler with AddCommand in BlogApplication.cs, once; a command that is a decision needs none.");
        ListAssert.Same(
            NamesOf(PostCommandService.Descriptor),
            registered.Select(pair => pair.CommandType.Name),
            "Each RPC of PostCommandService needs a command of its name in Blog.Application/Posts/Commands, and each command an RPC.");
    }

    [Fact]
    public void Every_query_has_exactly_one_handler_and_every_handler_is_registered()
    {
        var registered = Instances<QueryRegistration>().Select(registration => (registration.QueryType, registration.HandlerType)).ToArray();
        ListAssert.Same(
            TextsOf([.. Handled(typeof(IReadModelQueryHandler<,>)), .. Handled(typeof(IReadModelWatchHandler<,>)), .. Handled(typeof(IEventLogQueryHandler<,>))]),
            TextsOf(registered),
            "Register each handler once: of the read model in BlogInfrastructure.cs, of the event log in BlogApplication.cs.");
        ListAssert.Same(
            NamesOf(PostQueryService.Descriptor),
            registered.Select(pair => pair.QueryType.Name),
            "Each RPC of PostQueryService needs a query of its name in Blog.Application/Posts/Queries, and each query an RPC.");
    }

    /// <summary>The tests of all queries know nothing of what one is for.</summary>
    [Fact]
    public void Every_query_has_tests_of_its_own()
    {
        string[] testedElsewhere = ["GetPost", "GetPostHistory", "GetPostAsOf"]; // CommandEffectTests, HistoryTests
        ListAssert.Same(
            [],
            NamesOf(PostQueryService.Descriptor).Except(testedElsewhere).Where(query => typeof(RegistrationTests).Assembly.GetType($"Blog.Tests.Service.{query}Tests") is null),
            "Write tests/Blog.Tests/Service/QUERYTests.cs for each: what it lists, in which order, and what removes something from it.");
    }

    [Fact]
    public void Every_message_of_the_application_is_a_registered_command_or_query()
    {
        var messages = typeof(CreatePost).Assembly.GetTypes().Where(type => type.IsAssignableTo(typeof(IValidatable)));
        var registered = Instances<CommandRegistration>().Select(registration => registration.CommandType)
            .Concat(Instances<QueryRegistration>().Select(registration => registration.QueryType));
        ListAssert.Same(messages.Select(type => type.Name), registered.Select(type => type.Name), "A message needs a handler, registered in BlogApplication.cs or BlogInfrastructure.cs.");
    }

    [Fact]
    public async Task Every_projection_is_registered_once_under_a_name_and_tables_of_its_own()
    {
        var services = Services().Where(service => service.ServiceType == typeof(IProjection)).Select(service => service.ImplementationType!).ToArray();
        ListAssert.Same(
            Handlers.Where(type => type.IsAssignableTo(typeof(IProjection))).Select(type => type.Name),
            services.Select(type => type.Name),
            "Register each projection with AddProjection in BlogInfrastructure.cs, once.");
        await using var provider = Services().AddLogging().AddSingleton<IConfiguration>(new ConfigurationBuilder().Build()).BuildServiceProvider();
        var projections = provider.GetServices<IProjection>().ToArray();
        Assert.Equal(projections.Length, projections.Select(projection => projection.Name).Distinct(StringComparer.Ordinal).Count());
        var tables = projections.SelectMany(projection => projection.Tables).Select(table => table.Name).ToArray();
        Assert.Equal(tables.Length, tables.Distinct(StringComparer.Ordinal).Count());
    }

    /// <summary>A service that has tables of the same version with other columns does not start; the approved file is such a service.</summary>
    [Fact]
    public async Task A_projection_with_other_columns_has_another_version()
    {
        var file = Checkout.PathOf("tests/Blog.Tests/Approved/Projections.txt");
        await using var provider = Services().AddLogging().AddSingleton<IConfiguration>(new ConfigurationBuilder().Build()).BuildServiceProvider();
        string[] lines =
        [
            .. provider.GetServices<IProjection>().Select(projection => $"{projection.Name} {projection.Version}: {string.Join("; ", projection.Rows.Select(part => part.Select))}")
                .Order(StringComparer.Ordinal),
        ];
        foreach (var approved in File.Exists(file) ? File.ReadAllLines(file) : [])
        {
            var version = approved.Split(':')[0];
            Assert.True(
                !lines.Any(line => line.StartsWith(version + ":", StringComparison.Ordinal) && line != approved),
                $"The columns of projection {version} have changed and its version has not. If this is meant, raise its Version; the approved columns are\n{approved}");
        }

        Approval.Verify(file, string.Join('\n', lines) + "\n");
    }

    [Fact]
    public async Task A_message_that_is_registered_twice_fails_when_the_bus_is_built()
    {
        await using var once = Build(_ => { });
        Assert.NotNull(once.GetRequiredService<ICommandBus>());
        Assert.NotNull(once.GetRequiredService<IQueryBus>());

        await using var twoCommands = Build(services => services.AddCommand<CreatePost, CreatePostHandler>());
        Assert.ThrowsAny<ArgumentException>(twoCommands.GetRequiredService<ICommandBus>);
        await using var twoQueries = Build(services => services.AddEventLogQuery<GetPostAsOf, PostView, GetPostAsOfHandler>());
        Assert.ThrowsAny<ArgumentException>(twoQueries.GetRequiredService<IQueryBus>);

        static ServiceProvider Build(Action<IServiceCollection> more)
        {
            var services = Services();
            services.AddLogging().AddSingleton<IConfiguration>(new ConfigurationBuilder().Build());
            more(services);
            return services.BuildServiceProvider();
        }
    }

    [Fact]
    public void Event_types_that_are_registered_twice_are_refused_at_once() =>
        Assert.ThrowsAny<ArgumentException>(() => Services().AddEvents<PostEvent>(PostEventsJson.Default));

    private static IEnumerable<T> Instances<T>() =>
        Services().Where(service => service.ServiceType == typeof(T)).Select(service => (T)service.ImplementationInstance!);

    /// <summary>The message and the handler of each implementation of the interface.</summary>
    private static IEnumerable<(Type Message, Type Handler)> Handled(Type contract) =>
        from handler in Handlers
        from implemented in handler.GetInterfaces()
        where implemented.IsGenericType && implemented.GetGenericTypeDefinition() == contract
        select (implemented.GetGenericArguments()[0], handler);

    private static IEnumerable<string> TextsOf(IEnumerable<(Type Message, Type Handler)> pairs) =>
        pairs.Select(pair => $"{pair.Message.Name} -> {pair.Handler.Name}");

    private static IEnumerable<string> NamesOf(ServiceDescriptor service) => service.Methods.Select(method => method.Name);
}
