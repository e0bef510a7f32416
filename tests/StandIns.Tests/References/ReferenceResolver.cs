using System.Reflection.Metadata;

namespace StandIns.Tests.References;

/// <summary>Resolves one assembly's references to types and members of the given target assemblies, as the runtime would.</summary>
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
        foreach (var handle in source.TypeReferences)
        {
            if (TargetOf(source, handle) is not { } target)
            {
                continue;
            }

            total++;
            if (!_types[target].ContainsKey(SignatureText.NameOf(source, handle)))
            {
                unresolved.Add($"[{target}] {SignatureText.NameOf(source, handle)}");
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
            if (!MembersOf(target, typeName).Contains(wanted, StringComparer.Ordinal))
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

    /// <summary>The members of a type and of those of its base types that lie in a target too.</summary>
    private IEnumerable<string> MembersOf(string target, string typeName)
    {
        if (!_types.TryGetValue(target, out var types) || !types.TryGetValue(typeName, out var handle))
        {
            yield break;
        }

        var reader = targets[target];
        var type = reader.GetTypeDefinition(handle);
        foreach (var method in type.GetMethods().Select(reader.GetMethodDefinition))
        {
            yield return $"{reader.GetString(method.Name)} : {SignatureText.Of(method.DecodeSignature(SignatureText.Provider, null))}";
        }

        foreach (var field in type.GetFields().Select(reader.GetFieldDefinition))
        {
            yield return $"{reader.GetString(field.Name)} : {field.DecodeSignature(SignatureText.Provider, null)}";
        }

        var inherited = type.BaseType.Kind == HandleKind.TypeDefinition
            ? MembersOf(target, SignatureText.NameOf(reader, (TypeDefinitionHandle)type.BaseType))
            : TypeReferenceOf(reader, type.BaseType) is { } baseType && TargetOf(reader, baseType) is { } baseTarget
                ? MembersOf(baseTarget, SignatureText.NameOf(reader, baseType))
                : [];
        foreach (var member in inherited)
        {
            yield return member;
        }
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
