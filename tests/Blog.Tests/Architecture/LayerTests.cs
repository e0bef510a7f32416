using Xunit;

namespace Blog.Tests.Architecture;

/// <summary>Which layer may know which.</summary>
public sealed class LayerTests
{
    private const string Engine = "GrpcCqrs.EventSourcing";

    /// <summary>
    /// The parts of the engine that a domain speaks in: aggregates, the names of events, and refusals; nothing that does or stores anything.
    /// </summary>
    private static readonly string[] DomainVocabulary =
        ["ErrorCode", "ErrorKind", "FieldViolation", "IAggregate`2", "RejectedException", "StoredEventAttribute", "UniqueKey"];

    [Fact]
    public void The_domain_knows_the_base_library_and_the_engine_only() =>
        Assert.Equal([Engine], AssemblyReferences.BeyondTheBaseLibrary("Blog.Domain"));

    [Fact]
    public void Of_the_engine_the_domain_uses_aggregates_events_and_refusals_only() =>
        ListAssert.Same(
            DomainVocabulary,
            AssemblyReferences.TypesUsed("Blog.Domain", Engine),
            "What does or stores something belongs to Blog.Application; a new word of the domain's goes into LayerTests.DomainVocabulary.");

    [Fact]
    public void The_application_knows_no_database_and_no_transport() =>
        Assert.Equal(
            ["Blog.Domain", Engine, "Microsoft.Extensions.DependencyInjection.Abstractions"],
            AssemblyReferences.BeyondTheBaseLibrary("Blog.Application"));

    [Fact]
    public void The_infrastructure_knows_no_transport() =>
        Assert.DoesNotContain(
            AssemblyReferences.BeyondTheBaseLibrary("Blog.Infrastructure"),
            name => name.StartsWith("Grpc.", StringComparison.Ordinal) || name.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal)
                || name is "Google.Protobuf" or "Blog.Contracts" or "Blog.Server" or "GrpcCqrs.Hosting");

    [Fact]
    public void The_server_knows_no_database() =>
        Assert.DoesNotContain(AssemblyReferences.BeyondTheBaseLibrary("Blog.Server"), IsDatabase);

    [Fact]
    public void The_engine_knows_no_blog()
    {
        var engine = AssemblyReferences.Named("GrpcCqrs.");
        Assert.Contains("GrpcCqrs.Storage", engine);
        Assert.All(engine, assembly => Assert.DoesNotContain(
            AssemblyReferences.BeyondTheBaseLibrary(assembly), name => name.StartsWith("Blog", StringComparison.Ordinal)));
    }

    [Fact]
    public void The_core_of_the_engine_does_no_input_or_output() =>
        Assert.All(
            AssemblyReferences.BeyondTheBaseLibrary(Engine),
            name => Assert.True(name is "DiffPlex" || name.StartsWith("Microsoft.Extensions.", StringComparison.Ordinal), name));

    [Fact]
    public void Of_the_engine_only_the_jobs_know_Hangfire_and_nothing_knows_AutoMapper()
    {
        var engine = AssemblyReferences.Named("GrpcCqrs.");
        Assert.Contains("GrpcCqrs.Jobs.Hangfire", engine);
        Assert.All(engine, assembly => Assert.DoesNotContain("AutoMapper", AssemblyReferences.BeyondTheBaseLibrary(assembly)));
        Assert.Equal(
            ["GrpcCqrs.Jobs.Hangfire"],
            engine.Where(assembly => AssemblyReferences.BeyondTheBaseLibrary(assembly).Any(name => name.StartsWith("Hangfire", StringComparison.Ordinal))));
    }

    [Fact]
    public void The_testing_kit_needs_no_test_framework() =>
        Assert.All(
            AssemblyReferences.BeyondTheBaseLibrary("GrpcCqrs.Testing"),
            name => Assert.True(
                name is Engine or "GrpcCqrs.Storage" or "GrpcCqrs.Storage.Sqlite" || name.StartsWith("Microsoft.EntityFrameworkCore", StringComparison.Ordinal)
                || name.StartsWith("Microsoft.Data.", StringComparison.Ordinal) || name.StartsWith("Microsoft.Extensions.", StringComparison.Ordinal),
                name));

    private static bool IsDatabase(string name) =>
        name is "Dapper" || name.StartsWith("Microsoft.EntityFrameworkCore", StringComparison.Ordinal) || name.StartsWith("Microsoft.Data.", StringComparison.Ordinal);
}
