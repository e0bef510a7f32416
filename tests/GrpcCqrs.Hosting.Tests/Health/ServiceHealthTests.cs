using Grpc.Core;
using Grpc.Health.V1;
using GrpcCqrs.Hosting.Health;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Xunit;
using HealthClient = Grpc.Health.V1.Health.HealthClient;
using ServingStatus = Grpc.Health.V1.HealthCheckResponse.Types.ServingStatus;

namespace GrpcCqrs.Hosting.Tests.Health;

/// <summary>What the engine promises about health by name, on the official health service.</summary>
public sealed class ServiceHealthTests : IDisposable
{
    private const string MappedService = "grpc.health.v1.Health";
    private const string OtherMappedService = "grpc.reflection.v1.ServerReflection";

    private readonly CancellationTokenSource _timeout = new(TimeSpan.FromSeconds(60));

    public void Dispose() => _timeout.Dispose();

    [Theory]
    [InlineData(HealthStatus.Healthy, ServingStatus.Serving)]
    [InlineData(HealthStatus.Degraded, ServingStatus.Serving)]
    [InlineData(HealthStatus.Unhealthy, ServingStatus.NotServing)]
    public async Task Check_maps_the_worst_result_of_the_health_checks(HealthStatus worst, ServingStatus expected)
    {
        await using var server = await StartAsync(checks => checks.AddCheck("worst", new SwitchableCheck(worst)));

        Assert.Equal(expected, await CheckAsync(server, ""));
        Assert.Equal(expected, await CheckAsync(server, MappedService));
    }

    [Fact]
    public async Task A_check_tagged_with_a_service_concerns_that_service_and_the_whole_server_only()
    {
        await using var server = await StartAsync(checks =>
            checks.AddCheck("own", new SwitchableCheck(HealthStatus.Unhealthy), tags: [MappedService, "ready"]));

        Assert.Equal(ServingStatus.NotServing, await CheckAsync(server, MappedService));
        Assert.Equal(ServingStatus.NotServing, await CheckAsync(server, ""));
        Assert.Equal(ServingStatus.Serving, await CheckAsync(server, OtherMappedService));
    }

    [Fact]
    public async Task A_check_whose_tags_name_no_service_concerns_all_services()
    {
        await using var server = await StartAsync(checks =>
            checks.AddCheck("shared", new SwitchableCheck(HealthStatus.Unhealthy), tags: ["ready", "test.NotMapped"]));

        Assert.Equal(ServingStatus.NotServing, await CheckAsync(server, MappedService));
        Assert.Equal(ServingStatus.NotServing, await CheckAsync(server, OtherMappedService));
    }

    [Fact]
    public async Task An_unknown_service_is_not_found()
    {
        await using var server = await StartAsync();

        var exception = await Assert.ThrowsAsync<RpcException>(() => CheckAsync(server, "test.NotMapped"));

        Assert.Equal(StatusCode.NotFound, exception.StatusCode);
    }

    [Fact]
    public async Task Many_callers_run_no_more_checks_than_one()
    {
        var check = new SwitchableCheck();
        await using var server = await StartAsync(checks => checks.AddCheck("counted", check), watchInterval: "01:00:00");

        await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => CheckAsync(server, "")));

        Assert.Equal(1, check.Runs);
    }

    [Fact]
    public async Task Watch_sends_at_once_and_then_on_change_only()
    {
        var check = new SwitchableCheck();
        await using var server = await StartAsync(checks => checks.AddCheck("switch", check));
        using var watch = Watch(server, MappedService);

        Assert.Equal(ServingStatus.Serving, await NextAsync(watch));
        await check.WaitForRunsAsync(check.Runs + 2, _timeout.Token);
        check.Status = HealthStatus.Degraded;
        await check.WaitForRunsAsync(check.Runs + 2, _timeout.Token);
        check.Status = HealthStatus.Unhealthy;
        Assert.Equal(ServingStatus.NotServing, await NextAsync(watch));
        check.Status = HealthStatus.Healthy;
        Assert.Equal(ServingStatus.Serving, await NextAsync(watch));
    }

    [Fact]
    public async Task Watch_of_an_unknown_service_says_so_and_stays_open()
    {
        await using var server = await StartAsync();
        using var watch = Watch(server, "test.NotMapped");

        Assert.Equal(ServingStatus.ServiceUnknown, await NextAsync(watch));
        var next = watch.ResponseStream.MoveNext(_timeout.Token);
        await Task.Delay(TimeSpan.FromMilliseconds(300), _timeout.Token);
        Assert.False(next.IsCompleted);
    }

    [Fact]
    public async Task Watch_reports_not_serving_and_ends_in_order_when_the_server_stops()
    {
        await using var server = await StartAsync(watchInterval: "01:00:00");
        using var watch = Watch(server, MappedService);
        Assert.Equal(ServingStatus.Serving, await NextAsync(watch));

        var stop = server.StopAsync();

        Assert.Equal(ServingStatus.NotServing, await NextAsync(watch));
        Assert.False(await watch.ResponseStream.MoveNext(_timeout.Token));
        Assert.Equal(StatusCode.OK, watch.GetStatus().StatusCode);
        await stop.WaitAsync(_timeout.Token);
    }

    [Theory]
    [InlineData("00:00:00")]
    [InlineData("01:00:01")]
    public Task An_interval_out_of_range_fails_the_start(string watchInterval) =>
        Assert.ThrowsAsync<OptionsValidationException>(() => StartAsync(watchInterval: watchInterval));

    private static Task<LoopbackServer> StartAsync(Action<IHealthChecksBuilder>? addChecks = null, string watchInterval = "00:00:01") =>
        LoopbackServer.StartAsync(
            services =>
            {
                services.AddSingleton<MappedServices>();
                services.AddServerReflection();
                var checks = services.AddServiceHealth().AddCheck("always", new SwitchableCheck());
                addChecks?.Invoke(checks);
            },
            app =>
            {
                app.Services.GetRequiredService<MappedServices>().Routes = app;
                app.MapGrpcHealthChecksService();
                app.MapServerReflection();
            },
            [$"--Health:WatchInterval={watchInterval}"]);

    private async Task<ServingStatus> CheckAsync(LoopbackServer server, string service)
    {
        var request = new HealthCheckRequest { Service = service };
        return (await new HealthClient(server.Channel).CheckAsync(request, cancellationToken: _timeout.Token)).Status;
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
