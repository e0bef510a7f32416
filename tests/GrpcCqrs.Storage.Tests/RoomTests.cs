using ArchUnitNET.Domain;
using ArchUnitNET.Fluent.Slices;
using ArchUnitNET.Loader;
using GrpcCqrs.Storage.Databases;
using Xunit;
using static ArchUnitNET.Fluent.ArchRuleDefinition;

namespace GrpcCqrs.Storage.Tests;

/// <summary>What holds the rooms of the storage apart: docs/decisions/0046-rooms.md.</summary>
public sealed class RoomTests
{
    private const string Root = "GrpcCqrs.Storage";

    private static readonly Architecture Storage = new ArchLoader().LoadAssemblies(typeof(WriteDatabase).Assembly).Build();

    [Fact]
    public void No_room_uses_one_that_uses_it()
    {
        var rule = SliceRuleDefinition.Slices().Matching($"{Root}.(*)..").Should().BeFreeOfCycles();
        var faults = rule.Evaluate(Storage).Where(result => !result.Passed).Select(result => result.Description).ToArray();
        Assert.True(faults.Length == 0, $"Rooms that use each other:\n{string.Join('\n', faults)}");
    }

    [Fact]
    public void No_room_uses_the_registration()
    {
        var registration = Types().That().ResideInNamespace(Root);
        var rule = Types().That().ResideInNamespaceMatching($"^{Root.Replace(".", @"\.", StringComparison.Ordinal)}\\..+").Should().NotDependOnAny(registration);
        Assert.All(rule.Evaluate(Storage), result => Assert.True(result.Passed, result.Description));
    }
}
