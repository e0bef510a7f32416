using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using Xunit;
using Xunit.Abstractions;

namespace StandIns.Tests.References;

/// <summary>Whether the official assemblies find in the stand-ins all that they were compiled against, rarely used paths included.</summary>
public sealed class OfficialBinariesTests(ITestOutputHelper output) : IDisposable
{
    private readonly List<PEReader> _files = [];

    public static TheoryData<string> Names => [.. OfficialBinaries.MayMiss.Keys];

    [Theory(Skip = Build.NoStandIns)]
    [MemberData(nameof(Names))]
    public void Every_reference_to_a_stand_in_resolves(string name)
    {
        var (unresolved, total) = Resolver().Resolve(Metadata(OfficialBinaries.Load(name)));

        output.WriteLine($"{total} references");
        Assert.Empty(unresolved);
    }

    [Fact(Skip = Build.NoStandIns)]
    public void Every_stand_in_is_referenced_by_an_official_binary_with_its_public_key()
    {
        var references = OfficialBinaries.MayMiss.Keys
            .SelectMany(name => OfficialBinaries.Load(name).GetReferencedAssemblies())
            .Where(reference => OfficialBinaries.StandIns.Contains(reference.Name, StringComparer.Ordinal))
            .ToList();

        Assert.Equal(OfficialBinaries.StandIns, references.Select(reference => reference.Name!).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal));
        Assert.All(references, reference =>
        {
            var standIn = OfficialBinaries.Load(reference.Name!).GetName();
            Assert.Equal(reference.GetPublicKeyToken(), standIn.GetPublicKeyToken());
            Assert.True(standIn.Version >= reference.Version, $"{standIn} is older than {reference}");
        });
    }

    [Fact(Skip = Build.NoStandIns)]
    public void Wrong_references_are_found()
    {
        using var wrong = MetadataReaderProvider.FromMetadataImage(WrongReferences.Build());

        var (unresolved, total) = Resolver().Resolve(wrong.GetMetadataReader());

        Assert.Equal(WrongReferences.Expected, unresolved);
        Assert.Equal(9, total);
    }

    [Theory(Skip = Build.NoStandIns)]
    [MemberData(nameof(Names))]
    public void Every_method_compiles_or_misses_only_pruned_packages(string name)
    {
        var assembly = OfficialBinaries.Load(name);
        var outcome = MethodPreparer.Prepare(assembly, Metadata(assembly));

        output.WriteLine($"{outcome.Prepared} methods prepared, {outcome.NotInstantiable} generic ones not instantiable");
        var missing = outcome.Failures.ToLookup(failure => failure.MissingAssembly, StringComparer.Ordinal);
        foreach (var group in missing)
        {
            output.WriteLine($"{group.Count()} methods need {group.Key}");
        }

        Assert.DoesNotContain(OfficialBinaries.StandIns, missing.Contains);
        Assert.Empty(missing[null].Select(failure => $"{failure.Method}: {failure.Error.Message}"));
        Assert.Equal(OfficialBinaries.MayMiss[name], missing.Select(group => group.Key!).Order(StringComparer.Ordinal));
    }

    [Theory(Skip = Build.NoStandIns)]
    [MemberData(nameof(Names))]
    public void Every_override_overrides(string name) => Assert.Empty(LostOverrides.In(OfficialBinaries.Load(name)));

    public void Dispose()
    {
        foreach (var file in _files)
        {
            file.Dispose();
        }
    }

    private ReferenceResolver Resolver() => new(
        OfficialBinaries.StandIns.ToDictionary(name => name, name => Metadata(OfficialBinaries.Load(name)), StringComparer.Ordinal));

    private MetadataReader Metadata(Assembly assembly)
    {
        var file = new PEReader(File.OpenRead(assembly.Location));
        _files.Add(file);
        return file.GetMetadataReader();
    }
}
