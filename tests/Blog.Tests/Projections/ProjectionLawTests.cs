using Blog.Infrastructure;
using Blog.Infrastructure.Posts;
using FsCheck;
using FsCheck.Fluent;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Testing;
using Xunit;

namespace Blog.Tests.Projections;

/// <summary>Every projection of the blog keeps every law, on any legal history.</summary>
public sealed class ProjectionLawTests : IAsyncLifetime
{
    /// <summary>How many histories each projection is checked on; each takes some dozens of folds.</summary>
    private const int Histories = 8;

    private ProjectionChecker checker = null!;

    public static TheoryData<Type> Projections =>
    [
        .. typeof(PostListProjection).Assembly.GetTypes().Where(type => type.IsAssignableTo(typeof(IProjection)) && !type.IsAbstract)
            .OrderBy(type => type.Name),
    ];

    public async Task InitializeAsync() =>
        checker = await ProjectionChecker.OnSqliteAsync(PostHistories.Types, options => new BlogReadDbContext(options));

    public async Task DisposeAsync() => await checker.DisposeAsync();

    [Theory]
    [MemberData(nameof(Projections))]
    public async Task Every_law_holds_on_any_legal_history(Type type)
    {
        var projection = checker.Create(type);
        Assert.True(projection is IStreamProjection, $"{type.Name} must be an IStreamProjection, so that a bad event stops its own stream only.");
        await checker.CheckAsync(projection, PostHistories.Complete, seed: 1);
        checker.EnsureCovered(projection, PostHistories.File);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(Histories), Prop.ForAll(PostHistories.Arbitrary, Gen.Choose(0, int.MaxValue).ToArbitrary(), (steps, seed) =>
            checker.CheckAsync(projection, PostHistories.Run(steps), seed).GetAwaiter().GetResult()));
    }
}
