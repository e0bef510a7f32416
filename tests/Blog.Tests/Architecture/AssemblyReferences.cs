using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace Blog.Tests.Architecture;

/// <summary>What a compiled assembly refers to, read from its metadata.</summary>
internal static class AssemblyReferences
{
    /// <summary>The names of the assemblies that it refers to, without those of the base class library.</summary>
    public static IReadOnlyList<string> BeyondTheBaseLibrary(string assembly)
    {
        using var file = Open(assembly);
        var metadata = file.GetMetadataReader();
        return [.. metadata.AssemblyReferences
            .Select(handle => metadata.GetString(metadata.GetAssemblyReference(handle).Name))
            .Where(name => !IsBaseLibrary(name))
            .Order(StringComparer.Ordinal)];
    }

    /// <summary>The full names of the types of another assembly that it uses.</summary>
    public static IReadOnlyList<string> TypesUsed(string assembly, string ofAssembly)
    {
        using var file = Open(assembly);
        var metadata = file.GetMetadataReader();
        return [.. metadata.TypeReferences
            .Select(metadata.GetTypeReference)
            .Where(type => type.ResolutionScope.Kind == HandleKind.AssemblyReference
                && metadata.GetString(metadata.GetAssemblyReference((AssemblyReferenceHandle)type.ResolutionScope).Name) == ofAssembly)
            .Select(type => metadata.GetString(type.Name))
            .Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal)];
    }

    /// <summary>The assemblies of the product whose names begin so, as they lie beside the tests.</summary>
    public static IReadOnlyList<string> Named(string prefix) =>
        [.. Directory.GetFiles(AppContext.BaseDirectory, prefix + "*.dll")
            .Select(path => Path.GetFileNameWithoutExtension(path)!)
            .Where(name => !name.EndsWith(".Tests", StringComparison.Ordinal))];

    /// <summary>The base class library as .NET ships it; System.Data.Common is its contract for databases, without a driver.</summary>
    private static bool IsBaseLibrary(string name) =>
        name.StartsWith("System.", StringComparison.Ordinal) && File.Exists(Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, name + ".dll"));

    private static PEReader Open(string assembly) => new(File.OpenRead(Path.Combine(AppContext.BaseDirectory, assembly + ".dll")));
}
