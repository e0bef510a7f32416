using Xunit;

namespace GrpcCqrs.Storage.Tests;

/// <summary>Which server the specs run on, and what a skipped test says; no server and no Docker engine is needed for it.</summary>
public sealed class ServerSourceTests
{
    private static readonly Uri Docker = new("unix:///var/run/docker.sock");

    [Fact]
    public void What_the_environment_names_comes_first_and_nothing_else_is_looked_for()
    {
        var chosen = ServerSource.Choose("PostgreSQL", "VARIABLE", "Host=db", Unasked<string>, Unasked<Uri>);
        Assert.Equal(new ServerSource.Configured("Host=db"), chosen);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public void An_installed_server_comes_next_and_Docker_is_not_asked(string? configured)
    {
        var chosen = ServerSource.Choose("PostgreSQL", "VARIABLE", configured, () => "/usr/lib/postgresql/15/bin", Unasked<Uri>);
        Assert.Equal(new ServerSource.Installed("/usr/lib/postgresql/15/bin"), chosen);
    }

    [Fact]
    public void Without_either_a_Docker_endpoint_that_answers_is_used()
    {
        Assert.Equal(new ServerSource.Container(Docker), ServerSource.Choose("PostgreSQL", "VARIABLE", null, () => null, () => Docker));
        Assert.Equal(new ServerSource.Container(Docker), ServerSource.Choose("SQL Server", "VARIABLE", null, null, () => Docker));
    }

    [Fact]
    public void Without_all_of_them_the_reason_says_what_would_help()
    {
        Assert.Equal(
            new ServerSource.Missing("There is no PostgreSQL: GRPCCQRS_POSTGRESQL is not set, it is not installed, and no Docker endpoint answers."),
            ServerSource.Choose("PostgreSQL", "GRPCCQRS_POSTGRESQL", null, () => null, () => null));
        Assert.Equal(
            new ServerSource.Missing("There is no SQL Server: GRPCCQRS_SQLSERVER is not set, and no Docker endpoint answers."),
            ServerSource.Choose("SQL Server", "GRPCCQRS_SQLSERVER", null, null, () => null));
    }

    [Fact]
    public void A_missing_server_skips_the_test_and_fails_it_where_CI_demands_one()
    {
        var missing = new ServerSource.Missing("There is none.");
        var skip = Assert.Throws<SkipException>(() => new TestServer(() => missing, Unstarted, Unconnected, isDemanded: false).AdminConnectionString);
        Assert.Equal("There is none.", skip.Message);
        var failure = Assert.Throws<InvalidOperationException>(() => new TestServer(() => missing, Unstarted, Unconnected, isDemanded: true).AdminConnectionString);
        Assert.Equal("CI demands a server. There is none.", failure.Message);
    }

    [Fact]
    public void A_container_that_does_not_start_skips_the_tests_and_says_why()
    {
        var server = new TestServer(() => new ServerSource.Container(Docker), _ => throw new IOException("no such image"), Unconnected, isDemanded: false);
        var skip = Assert.Throws<SkipException>(() => server.AdminConnectionString);
        Assert.Equal("Docker answers at unix:///var/run/docker.sock, but the container did not start: no such image", skip.Message);
    }

    [Fact]
    public void A_server_is_chosen_and_started_once()
    {
        var (choices, starts, connections) = (0, 0, 0);
        var server = new TestServer(
            () =>
            {
                choices++;
                return new ServerSource.Container(Docker);
            },
            _ => $"started {++starts}",
            _ => connections++,
            isDemanded: false);
        Assert.Equal(["started 1", "started 1"], [server.AdminConnectionString, server.AdminConnectionString]);
        Assert.Equal((1, 1, 1), (choices, starts, connections));
    }

    [Fact]
    public void An_installed_server_that_does_not_start_fails_the_tests()
    {
        var server = new TestServer(() => new ServerSource.Installed("/bin"), _ => throw new IOException("broken"), Unconnected, isDemanded: false);
        Assert.Throws<IOException>(() => server.AdminConnectionString);
    }

    [Fact]
    public void A_server_that_is_named_and_does_not_answer_fails_all_tests_after_one_attempt()
    {
        var attempts = 0;
        var server = new TestServer(
            () => new ServerSource.Configured("Server=gone"),
            Unstarted,
            _ =>
            {
                attempts++;
                throw new IOException("refused");
            },
            isDemanded: false);
        Assert.Throws<IOException>(() => server.AdminConnectionString);
        Assert.Throws<IOException>(() => server.AdminConnectionString);
        Assert.Equal(1, attempts);
    }

    [Fact]
    public void A_Docker_endpoint_that_does_not_answer_or_throws_is_none()
    {
        using var never = new ManualResetEventSlim();
        Assert.Equal(Docker, DockerEndpoint.Find(() => Docker, Patience.Limit));
        Assert.Null(DockerEndpoint.Find(() => null, Patience.Limit));
        Assert.Null(DockerEndpoint.Find(() => throw new IOException("refused"), Patience.Limit));
        Assert.Null(DockerEndpoint.Find(
            () =>
            {
                never.Wait();
                return Docker;
            },
            TimeSpan.FromMilliseconds(50)));
        never.Set();
    }

    private static T? Unasked<T>() => throw new InvalidOperationException("Nothing else is looked for.");

    private static void Unconnected(string connectionString) => throw new InvalidOperationException("There is nothing to connect to.");

    private static string Unstarted(ServerSource source) => throw new InvalidOperationException($"{source} is not started.");
}
