using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Operations;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace GrpcCqrs.Storage.Tests.Model;

/// <summary>
/// Random scenarios of appends, races, duplicates, conflicts, crashes and restarts: the real store must do what the model does. A
/// failure prints its seed and the shortest scenario that still fails.
/// </summary>
public abstract class ModelSpecs<TFixture>(TFixture fixture) : IClassFixture<TFixture>
    where TFixture : class, IStoreFixture
{
    /// <summary>How many scenarios are tried: 100 in the long run, 25 in the quick one; <c>GRPCCQRS_SCENARIOS</c> says otherwise.</summary>
    private static int ScenarioCount => int.TryParse(
        Environment.GetEnvironmentVariable("GRPCCQRS_SCENARIOS"), NumberStyles.None, CultureInfo.InvariantCulture, out var count)
        ? count
        : LongRun.IsOn ? 100 : 25;

    [SkippableFact]
    public void Any_scenario_ends_as_in_the_model()
    {
        // Skips here, where there is no server, and not inside a property.
        _ = fixture.NewStore();
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(ScenarioCount),
            Prop.ForAll(Scenarios.Arbitrary, steps => new Scenario(fixture.NewStore()).RunAsync(steps).GetAwaiter().GetResult()));
    }

    /// <summary>One run of one scenario on a store of its own.</summary>
    private sealed class Scenario(IReadOnlyDictionary<string, string?> settings)
    {
        private readonly Guid[] commandIds = [.. Enumerable.Range(0, 10).Select(_ => Guid.CreateVersion7())];
        private readonly CrashSwitch crash = new();

        /// <summary>The states that explain everything seen so far; more than one where racing appends could have gone either way.</summary>
        private IReadOnlyList<StoreModel> models = [new()];
        private StoreHarness store = null!;

        public async Task RunAsync(IReadOnlyList<Step> steps)
        {
            store = await StartAsync();
            try
            {
                foreach (var step in steps)
                {
                    await (step switch
                    {
                        AppendStep append => RaceAsync([RequestFor(append)]),
                        RaceStep race => RaceAsync([.. race.Appends.Select(RequestFor)]),
                        CrashStep cut => CrashAsync(cut.Point, RequestFor(cut.Append)),
                        _ => RestartAsync(),
                    });
                }

                await CompareAsync();
            }
            finally
            {
                await store.DisposeAsync();
            }
        }

        /// <summary>Sends appends at once. There must be an order in which the model, one by one, gives the same results.</summary>
        private async Task RaceAsync(IReadOnlyList<AppendRequest> requests)
        {
            var results = await Task.WhenAll(requests.Select(request => Task.Run(async () =>
                StoreModel.Describe(await store.Store.AppendAsync(request, CancellationToken.None)))));
            models = StoreModel.Explain(models, [.. requests.Zip(results)]);
            Assert.True(models.Count > 0, $"No order explains {string.Join("; ", results)}.");
        }

        private async Task CrashAsync(CrashPoint point, AppendRequest request)
        {
            crash.CutAt(point);
            var rejection = await Assert.ThrowsAsync<RejectedException>(() => store.Store.AppendAsync(request, CancellationToken.None).AsTask());
            Assert.Equal(EngineErrors.DatabaseUnavailable, rejection.Code);
            if (point == CrashPoint.AfterCommit)
            {
                models = [.. models.Select(model => model.Append(request).After)];
            }

            await RestartAsync();

            // Nobody heard the result, which depends on who holds a key; so what was written tells who held it.
            var head = await store.Store.ReadHeadAsync(CancellationToken.None);
            var command = request.Command?.CommandId ?? Guid.Empty;
            var result = (await store.Store.FindCommandAsync(command, CancellationToken.None))?.Result;
            models = [.. models.Where(model => model.Head == head && Equals(model.Commands.GetValueOrDefault(command), result))];
            Assert.True(models.Count > 0, $"After {point} nothing explains head {head} and {result} of command {command}.");
        }

        private async Task RestartAsync()
        {
            crash.Reset();
            await store.DisposeAsync();
            store = await StartAsync();
        }

        private async Task CompareAsync()
        {
            // Possible states differ in who holds which key and in nothing else.
            var model = models[0];
            var events = (await store.Store.ReadAllAsync(0, 10_000, CancellationToken.None)).Events;
            Assert.Equal(Enumerable.Range(1, (int)model.Head).Select(position => (long)position), events.Select(record => record.Position));
            Assert.Equal(
                model.Versions.Where(pair => pair.Value > 0).OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => (pair.Key, pair.Value)),
                events.GroupBy(record => record.Stream.ToString(), StringComparer.Ordinal).OrderBy(group => group.Key, StringComparer.Ordinal)
                    .Select(group => (group.Key, (long)group.Count())));
            Assert.All(
                events.GroupBy(record => record.Stream),
                group => Assert.Equal(Enumerable.Range(1, group.Count()).Select(version => (long)version), group.Select(record => record.Version)));
            foreach (var commandId in commandIds)
            {
                Assert.Equal(model.Commands.GetValueOrDefault(commandId), (await store.Store.FindCommandAsync(commandId, CancellationToken.None))?.Result);
            }

            var keys = (await store.WriteColumnAsync("SELECT COUNT(*) FROM unique_keys"))[0];
            Assert.Contains(models, possible => possible.Keys.Count == keys);
            Assert.True((await store.Services.GetRequiredService<LogVerifier>().VerifyAsync(CancellationToken.None)).IsIntact);
        }

        private AppendRequest RequestFor(AppendStep step)
        {
            var stream = $"s{step.Stream}";
            var model = models[0];
            var version = model.Versions.GetValueOrDefault($"ledger-{stream}");
            return StoreHarness.Append(
                stream,
                step.Expected switch
                {
                    Expectation.None => ExpectedVersion.None,
                    Expectation.Current => ExpectedVersion.Exactly(version),
                    Expectation.Stale => ExpectedVersion.Exactly(version + 1),
                    _ => ExpectedVersion.Any,
                },
                [.. Enumerable.Range(0, step.Events).Select(number => StoreHarness.Booking(number))]) with
            {
                Command = step.Command is { } command
                    ? new CommandToRecord(commandIds[command], new byte[32], version + step.Events, model.Head, $"reply {command}")
                    : null,
                Claims = step.Claim is { } claim ? [new UniqueKey("scope", $"key {claim}")] : [],
                Releases = step.Release is { } release && release != step.Claim ? [new UniqueKey("scope", $"key {release}")] : [],
            };
        }

        private Task<StoreHarness> StartAsync() => StoreHarness.StartAsync(
            settings, services => services.DecorateSessions((session, provider) => new CrashingSession(session, provider, crash)));
    }
}

public sealed class SqliteModelSpecs(SqliteFixture fixture) : ModelSpecs<SqliteFixture>(fixture);

public sealed class PostgreSqlModelSpecs(PostgreSqlFixture fixture) : ModelSpecs<PostgreSqlFixture>(fixture);

public sealed class SqlServerModelSpecs(SqlServerFixture fixture) : ModelSpecs<SqlServerFixture>(fixture);
