using Grpc.Core;
using GrpcCqrs.Hosting.Health;
using GrpcCqrs.Protocol.Health.V1;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Xunit;
using HealthClient = GrpcCqrs.Protocol.Health.V1.Health.HealthClient;
using ServingStatus = GrpcCqrs.Protocol.Health.V1.HealthCheckResponse.Types.ServingStatus;

namespace GrpcCqrs.Hosting.Tests.Health;

public sealed class HealthServiceTests : IDisposable
{
    private const string MappedService = "grpc.health.v1.Health";
    private const string OtherMappedService = "test.Plain";

    private readonly CancellationTokenSource _timeout = new(TimeSpan.FromSeconds(30));

    public void Dispose() => _timeout.Dispose();

    [Theory]
    [InlineData(null, ServingStatus.Serving)]
    [InlineData(HealthStatus.Healthy, ServingStatus.Serving)]
    [InlineData(HealthStatus.Degraded, ServingStatus.Serving)]
    [InlineData(HealthStatus.Unhealthy, ServingStatus.NotServing)]
    public async Task Check_maps_the_worst_result_of_the_health_checks(HealthStatus? worst, ServingStatus expected)
    {
        await using var server = await StartAsync(checks =>
        {
            if (worst is { } status)
            {
                checks.AddCheck("good", new SwitchableCheck()).AddCheck("worst", new SwitchableCheck(status));
            }
        });

        Assert.Equal(expected, await CheckAsync(server, ""));
        Assert.Equal(expected, await CheckAsync(server, MappedService));
    }

    [Fact]
    public async Task Check_tagged_with_a_service_concerns_that_service_and_the_whole_server_only()
    {
        await using var server = await StartAsync(checks =>
            checks.AddCheck("own", new SwitchableCheck(HealthStatus.Unhealthy), tags: [MappedService, "ready"]));

        Assert.Equal(ServingStatus.NotServing, await CheckAsync(server, MappedService));
        Assert.Equal(ServingStatus.NotServing, await CheckAsync(server, ""));
        Assert.Equal(ServingStatus.Serving, await CheckAsync(server, OtherMappedService));
    }

    [Fact]
    public async Task Check_whose_tags_name_no_service_concerns_all_services()
    {
        await using var server = await StartAsync(checks =>
            checks.AddCheck("shared", new SwitchableCheck(HealthStatus.Unhealthy), tags: ["ready", "test.NotMapped"]));

        Assert.Equal(ServingStatus.NotServing, await CheckAsync(server, MappedService));
        Assert.Equal(ServingStatus.NotServing, await CheckAsync(server, OtherMappedService));
    }

    [Fact]
    public async Task Check_of_an_unknown_service_is_not_found()
    {
        await using var server = await StartAsync();

        var exception = await Assert.ThrowsAsync<RpcException>(() => CheckAsync(server, "test.NotMapped"));

        Assert.Equal(StatusCode.NotFound, exception.StatusCode);
    }

    [Fact]
    public async Task Concurrent_calls_share_one_run_of_the_health_checks()
    {
        var gate = new TaskCompletionSource();
        var check = new SwitchableCheck { Gate = gate.Task };
        await using var server = await StartAsync(
            checks => checks.AddCheck("slow", check), options => options.ReportMaxAge = TimeSpan.FromMinutes(1));

        var calls = Enumerable.Range(0, 20).Select(_ => CheckAsync(server, "")).ToList();
        await check.WaitForRunsAsync(1, _timeout.Token);
        gate.SetResult();
        await Task.WhenAll(calls);
        await CheckAsync(server, MappedService);

        Assert.Equal(1, check.Runs);
    }

    [Fact]
    public async Task Caller_that_gives_up_does_not_cancel_the_run_of_others()
    {
        var gate = new TaskCompletionSource();
        var check = new SwitchableCheck { Gate = gate.Task };
        await using var server = await StartAsync(
            checks => checks.AddCheck("slow", check), options => options.ReportMaxAge = TimeSpan.FromMinutes(1));
        using var impatience = new CancellationTokenSource();

        var impatient = CheckAsync(server, "", impatience.Token);
        await check.WaitForRunsAsync(1, _timeout.Token);
        var patient = CheckAsync(server, "");
        await impatience.CancelAsync();

        Assert.Equal(StatusCode.Cancelled, (await Assert.ThrowsAsync<RpcException>(() => impatient)).StatusCode);
        // Time for the cancellation to reach the server, where it could do harm.
        await Task.Delay(TimeSpan.FromMilliseconds(200), _timeout.Token);
        gate.SetResult();
        Assert.Equal(ServingStatus.Serving, await patient);
        Assert.Equal(1, check.Runs);
    }

    [Fact]
    public async Task Watch_sends_at_once_and_then_on_change_only()
    {
        var check = new SwitchableCheck();
        await using var server = await StartAsync(checks => checks.AddCheck("switch", check));
        using var watch = Watch(server, "");

        Assert.Equal(ServingStatus.Serving, await NextAsync(watch));
        await check.WaitForRunsAsync(check.Runs + 3, _timeout.Token);
        check.Status = HealthStatus.Degraded;
        await check.WaitForRunsAsync(check.Runs + 3, _timeout.Token);
        check.Status = HealthStatus.Unhealthy;
        Assert.Equal(ServingStatus.NotServing, await NextAsync(watch));
        check.Status = HealthStatus.Healthy;
        Assert.Equal(ServingStatus.Serving, await NextAsync(watch));
    }

    [Fact]
    public async Task Watch_of_an_unknown_service_says_so_and_stays_open_until_shutdown()
    {
        await using var server = await StartAsync();
        using var watch = Watch(server, "test.NotMapped");

        Assert.Equal(ServingStatus.ServiceUnknown, await NextAsync(watch));
        var next = watch.ResponseStream.MoveNext(_timeout.Token);
        await Task.Delay(TimeSpan.FromMilliseconds(300), _timeout.Token);
        Assert.False(next.IsCompleted);

        await server.StopAsync();
        Assert.False(await next);
        Assert.Equal(StatusCode.OK, watch.GetStatus().StatusCode);
    }

    [Fact]
    public async Task Watch_reports_not_serving_and_ends_in_order_when_the_server_stops()
    {
        await using var server = await StartAsync(configure: options => options.WatchInterval = TimeSpan.FromHours(1));
        using var watch = Watch(server, MappedService);
        Assert.Equal(ServingStatus.Serving, await NextAsync(watch));

        var stop = server.StopAsync();

        Assert.Equal(ServingStatus.NotServing, await NextAsync(watch));
        Assert.False(await watch.ResponseStream.MoveNext(_timeout.Token));
        Assert.Equal(StatusCode.OK, watch.GetStatus().StatusCode);
        await stop.WaitAsync(_timeout.Token);
    }

    [Fact]
    public async Task Watch_ends_in_order_when_the_server_stops_during_a_check()
    {
        var check = new SwitchableCheck { Gate = new TaskCompletionSource().Task };
        await using var server = await StartAsync(checks => checks.AddCheck("hung", check));
        using var watch = Watch(server, "");
        await check.WaitForRunsAsync(1, _timeout.Token);

        var stop = server.StopAsync();

        Assert.Equal(ServingStatus.NotServing, await NextAsync(watch));
        Assert.False(await watch.ResponseStream.MoveNext(_timeout.Token));
        await stop.WaitAsync(_timeout.Token);
    }

    [Fact]
    public async Task Watch_ends_quietly_when_the_client_cancels()
    {
        var check = new SwitchableCheck();
        await using var server = await StartAsync(checks => checks.AddCheck("switch", check));
        for (var round = 0; round < 20; round++)
        {
            using var watch = Watch(server, "");
            Assert.Equal(ServingStatus.Serving, await NextAsync(watch));
            watch.Dispose();
        }

        // Without watchers nobody runs the checks.
        await Task.Delay(TimeSpan.FromMilliseconds(300), _timeout.Token);
        var runs = check.Runs;
        await Task.Delay(TimeSpan.FromMilliseconds(300), _timeout.Token);
        Assert.Equal(runs, check.Runs);
    }

    [Theory]
    [InlineData("00:00:00", "00:00:01")]
    [InlineData("01:00:01", "00:00:01")]
    [InlineData("00:00:05", "-00:00:01")]
    [InlineData("00:00:05", "00:02:00")]
    public async Task Options_out_of_range_fail_the_start(string watchInterval, string reportMaxAge)
    {
        await Assert.ThrowsAsync<OptionsValidationException>(() => StartAsync(configure: options =>
        {
            options.WatchInterval = TimeSpan.Parse(watchInterval, System.Globalization.CultureInfo.InvariantCulture);
            options.ReportMaxAge = TimeSpan.Parse(reportMaxAge, System.Globalization.CultureInfo.InvariantCulture);
        }));
    }

    private static Task<LoopbackServer> StartAsync(
        Action<IHealthChecksBuilder>? addChecks = null, Action<HealthOptions>? configure = null) => LoopbackServer.StartAsync(
        services =>
        {
            var checks = services.AddGrpcHealth(options =>
            {
                options.WatchInterval = TimeSpan.FromMilliseconds(100);
                options.ReportMaxAge = TimeSpan.Zero;
                configure?.Invoke(options);
            });
            addChecks?.Invoke(checks);
        },
        app =>
        {
            app.MapGrpcHealth();
            app.MapGrpcService(_ => PlainService.Create(OtherMappedService));
        });

    private async Task<ServingStatus> CheckAsync(
        LoopbackServer server, string service, CancellationToken cancellationToken = default)
    {
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _timeout.Token);
        var request = new HealthCheckRequest { Service = service };
        return (await new HealthClient(server.Channel).CheckAsync(request, cancellationToken: linked.Token)).Status;
    }

    private AsyncServerStreamingCall<HealthCheckResponse> Watch(LoopbackServer server, string service) =>
        new HealthClient(server.Channel).Watch(
            new HealthCheckRequest { Service = service }, cancellationToken: _timeout.Token);

    private async Task<ServingStatus> NextAsync(AsyncServerStreamingCall<HealthCheckResponse> watch)
    {
        Assert.True(await watch.ResponseStream.MoveNext(_timeout.Token));
        return watch.ResponseStream.Current.Status;
    }
}
