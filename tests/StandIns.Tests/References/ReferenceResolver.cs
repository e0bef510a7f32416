using System.Reflection;
using System.Reflection.Metadata;

namespace StandIns.Tests.References;

/// <summary>
/// Resolves one assembly's references to types and members of the given target assemblies by name, signature and
/// accessibility, as the runtime would.
/// </summary>
internal sealed class ReferenceResolver(IReadOnlyDictionary<string, MetadataReader> targets)
{
    private readonly Dictionary<string, Dictionary<string, TypeDefinitionHandle>> _types = targets.ToDictionary(
        target => target.Key,
        target => target.Value.TypeDefinitions.ToDictionary(handle => SignatureText.NameOf(target.Value, handle), StringComparer.Ordinal),
        StringComparer.Ordinal);

    /// <summary>The references into a target that it does not satisfy, and how many references there were.</summary>
    internal (IReadOnlyList<string> Unresolved, int Total) Resolve(MetadataReader source)
    {
        var unresolved = new List<string>();
        var total = 0;
        var sourceName = source.GetString(source.GetAssemblyDefinition().Name);
        foreach (var handle in source.TypeReferences)
        {
            if (TargetOf(source, handle) is not { } target)
            {
                continue;
            }

            total++;
            var typeName = SignatureText.NameOf(source, handle);
            if (!_types[target].TryGetValue(typeName, out var type) || !IsVisible(targets[target], type, sourceName))
            {
                unresolved.Add($"[{target}] {typeName}");
            }
        }

        foreach (var handle in source.MemberReferences)
        {
            var member = source.GetMemberReference(handle);
            if (TypeReferenceOf(source, member.Parent) is not { } parent || TargetOf(source, parent) is not { } target)
            {
                continue;
            }

            total++;
            var typeName = SignatureText.NameOf(source, parent);
            var wanted = Describe(source, member);
            if (!MembersOf(target, typeName, sourceName).Contains(wanted, StringComparer.Ordinal))
            {
                unresolved.Add($"[{target}] {typeName}::{wanted}");
            }
        }

        return (unresolved, total);
    }

    private static string Describe(MetadataReader source, MemberReference member)
    {
        var name = source.GetString(member.Name);
        return member.GetKind() == MemberReferenceKind.Field
            ? $"{name} : {member.DecodeFieldSignature(SignatureText.Provider, null)}"
            : $"{name} : {SignatureText.Of(member.DecodeMethodSignature(SignatureText.Provider, null))}";
    }

    /// <summary>What the source may use of a type and of those of its base types that lie in a target too.</summary>
    private IEnumerable<string> MembersOf(string target, string typeName, string sourceName)
    {
        if (!_types.TryGetValue(target, out var types) || !types.TryGetValue(typeName, out var handle))
        {
            yield break;
        }

        var reader = targets[target];
        var type = reader.GetTypeDefinition(handle);
        var isFriend = IsFriend(reader, sourceName);
        foreach (var method in type.GetMethods().Select(reader.GetMethodDefinition).Where(method => IsVisible((int)method.Attributes, isFriend)))
        {
            yield return $"{reader.GetString(method.Name)} : {SignatureText.Of(method.DecodeSignature(SignatureText.Provider, null))}";
        }

        foreach (var field in type.GetFields().Select(reader.GetFieldDefinition).Where(field => IsVisible((int)field.Attributes, isFriend)))
        {
            yield return $"{reader.GetString(field.Name)} : {field.DecodeSignature(SignatureText.Provider, null)}";
        }

        var inherited = type.BaseType.Kind == HandleKind.TypeDefinition
            ? MembersOf(target, SignatureText.NameOf(reader, (TypeDefinitionHandle)type.BaseType), sourceName)
            : TypeReferenceOf(reader, type.BaseType) is { } baseType && TargetOf(reader, baseType) is { } baseTarget
                ? MembersOf(baseTarget, SignatureText.NameOf(reader, baseType), sourceName)
                : [];
        foreach (var member in inherited)
        {
            yield return member;
        }
    }

    /// <summary>Fields and methods keep their accessibility in the same bits. A protected one is taken to be used by a subclass.</summary>
    private static bool IsVisible(int memberAttributes, bool isFriend) =>
        (MethodAttributes)(memberAttributes & (int)MethodAttributes.MemberAccessMask) switch
        {
            MethodAttributes.Public or MethodAttributes.Family or MethodAttributes.FamORAssem => true,
            MethodAttributes.Assembly or MethodAttributes.FamANDAssem => isFriend,
            _ => false,
        };

    private static bool IsVisible(MetadataReader reader, TypeDefinitionHandle handle, string sourceName) =>
        (reader.GetTypeDefinition(handle).Attributes & TypeAttributes.VisibilityMask) switch
        {
            TypeAttributes.Public or TypeAttributes.NestedPublic or TypeAttributes.NestedFamily or TypeAttributes.NestedFamORAssem => true,
            TypeAttributes.NotPublic or TypeAttributes.NestedAssembly or TypeAttributes.NestedFamANDAssem => IsFriend(reader, sourceName),
            _ => false,
        };

    private static bool IsFriend(MetadataReader reader, string sourceName) =>
        reader.GetAssemblyDefinition().GetCustomAttributes()
            .Select(reader.GetCustomAttribute)
            .Where(attribute => attribute.Constructor.Kind == HandleKind.MemberReference
                && TypeReferenceOf(reader, reader.GetMemberReference((MemberReferenceHandle)attribute.Constructor).Parent) is { } type
                && SignatureText.NameOf(reader, type) == "System.Runtime.CompilerServices.InternalsVisibleToAttribute")
            .Any(attribute => FirstArgument(reader, attribute) is { } friend && new AssemblyName(friend).Name == sourceName);

    private static string? FirstArgument(MetadataReader reader, CustomAttribute attribute)
    {
        var value = reader.GetBlobReader(attribute.Value);
        _ = value.ReadUInt16();
        return value.ReadSerializedString();
    }

    private string? TargetOf(MetadataReader source, TypeReferenceHandle handle)
    {
        var scope = source.GetTypeReference(handle).ResolutionScope;
        return scope.Kind switch
        {
            HandleKind.TypeReference => TargetOf(source, (TypeReferenceHandle)scope),
            HandleKind.AssemblyReference when source.GetString(source.GetAssemblyReference((AssemblyReferenceHandle)scope).Name) is var name =>
                targets.ContainsKey(name) ? name : null,
            _ => null,
        };
    }

    /// <summary>The referenced type, which in a generic instantiation is the generic type.</summary>
    private static TypeReferenceHandle? TypeReferenceOf(MetadataReader source, EntityHandle handle)
    {
        switch (handle.Kind)
        {
            case HandleKind.TypeReference:
                return (TypeReferenceHandle)handle;
            case HandleKind.TypeSpecification:
                var signature = source.GetBlobReader(source.GetTypeSpecification((TypeSpecificationHandle)handle).Signature);
                if (signature.ReadSignatureTypeCode() != SignatureTypeCode.GenericTypeInstance)
                {
                    return null;
                }

                _ = signature.ReadCompressedInteger();
                var generic = signature.ReadTypeHandle();
                return generic.Kind == HandleKind.TypeReference ? (TypeReferenceHandle)generic : null;
            default:
                return null;
        }
    }
}
