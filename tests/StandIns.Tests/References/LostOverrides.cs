using System.Reflection;

namespace StandIns.Tests.References;

/// <summary>
/// Finds methods that were compiled as overrides of a base type in a stand-in and override nothing. The runtime does not
/// complain about those: the call goes to the base type's own method, or nowhere.
/// </summary>
internal static class LostOverrides
{
    internal static IEnumerable<string> In(Assembly assembly) =>
        from type in LoadableTypes(assembly)
        where BaseTypes(type).Any(baseType => OfficialBinaries.StandIns.Contains(baseType.Assembly.GetName().Name, StringComparer.Ordinal))
        from method in type.GetMethods(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
        where method.IsVirtual && !method.Attributes.HasFlag(MethodAttributes.NewSlot) && method.GetBaseDefinition() == method
        select $"{type}::{method}";

    private static IEnumerable<Type> LoadableTypes(Assembly assembly)
    {
        try
        {
            return assembly.GetTypes();
        }
        catch (ReflectionTypeLoadException exception)
        {
            return exception.Types.OfType<Type>();
        }
    }

    private static IEnumerable<Type> BaseTypes(Type type)
    {
        for (var baseType = type.BaseType; baseType is not null; baseType = baseType.BaseType)
        {
            yield return baseType;
        }
    }
}
