using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Runtime.CompilerServices;

namespace StandIns.Tests.References;

/// <summary>
/// Compiles the methods of an assembly without running them. That loads the types in play with their base types, interfaces
/// and layouts. The compiler leaves some unresolved members for the call to trip over: those are for
/// <see cref="ReferenceResolver"/> to find.
/// </summary>
internal static class MethodPreparer
{
    internal sealed record Outcome(IReadOnlyList<Failure> Failures, int Prepared, int NotInstantiable);

    internal sealed record Failure(string Method, Exception Error)
    {
        /// <summary>The assembly that was not found, or null when the failure is anything else.</summary>
        internal string? MissingAssembly =>
            Error is FileNotFoundException { FileName: { } file } ? new AssemblyName(file).Name : null;
    }

    internal static Outcome Prepare(Assembly assembly, MetadataReader reader)
    {
        var failures = new List<Failure>();
        var prepared = 0;
        var notInstantiable = 0;
        foreach (var handle in reader.MethodDefinitions.Where(handle => HasBody(reader.GetMethodDefinition(handle))))
        {
            // One by one and by token: Type.GetMethods would fail as a whole on the first signature that does not load.
            try
            {
                var method = assembly.ManifestModule.ResolveMethod(MetadataTokens.GetToken(handle))!;
                if (Arguments(method) is not { } arguments)
                {
                    notInstantiable++;
                    continue;
                }

                RuntimeHelpers.PrepareMethod(method.MethodHandle, arguments);
                prepared++;
            }
            catch (Exception exception)
            {
                failures.Add(new Failure(NameOf(reader, handle), exception));
            }
        }

        return new Outcome(failures, prepared, notInstantiable);
    }

    private static bool HasBody(MethodDefinition method) =>
        method.RelativeVirtualAddress != 0 && (method.ImplAttributes & MethodImplAttributes.CodeTypeMask) == MethodImplAttributes.IL;

    /// <summary>Arguments for the type parameters of a method and its type, or null when their constraints ask for more than a guess.</summary>
    private static RuntimeTypeHandle[]? Arguments(MethodBase method)
    {
        var typeParameters = method.DeclaringType is { IsGenericTypeDefinition: true } type ? type.GetGenericArguments() : [];
        var methodParameters = method.IsGenericMethodDefinition ? method.GetGenericArguments() : [];
        try
        {
            var typeArguments = Array.ConvertAll(typeParameters, Argument);
            var declaring = typeArguments.Length == 0 ? method.DeclaringType : method.DeclaringType!.MakeGenericType(typeArguments);
            var methodArguments = Array.ConvertAll(methodParameters, Argument);
            if (methodArguments.Length > 0)
            {
                // Only to have the runtime check the constraints.
                var open = (MethodInfo)MethodBase.GetMethodFromHandle(method.MethodHandle, declaring!.TypeHandle)!;
                _ = open.MakeGenericMethod(methodArguments);
            }

            return [.. typeArguments.Concat(methodArguments).Select(argument => argument.TypeHandle)];
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    private static Type Argument(Type parameter) =>
        parameter.GenericParameterAttributes.HasFlag(GenericParameterAttributes.NotNullableValueTypeConstraint)
            ? typeof(int)
            : parameter.GetGenericParameterConstraints().FirstOrDefault(constraint => !constraint.ContainsGenericParameters) ?? typeof(object);

    private static string NameOf(MetadataReader reader, MethodDefinitionHandle handle)
    {
        var method = reader.GetMethodDefinition(handle);
        return $"{SignatureText.NameOf(reader, method.GetDeclaringType())}::{reader.GetString(method.Name)}";
    }
}
