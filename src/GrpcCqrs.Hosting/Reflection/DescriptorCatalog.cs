using Google.Protobuf.Reflection;

namespace GrpcCqrs.Hosting.Reflection;

/// <summary>
/// Everything that reflection can be asked about: the services given, the files that declare them, the files that these import,
/// and each symbol in them. Built once, immutable.
/// </summary>
internal sealed class DescriptorCatalog
{
    private readonly Dictionary<string, FileDescriptor> _filesByName = new(StringComparer.Ordinal);
    private readonly Dictionary<string, FileDescriptor> _filesBySymbol = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SortedDictionary<int, FileDescriptor>> _extensionsByType = new(StringComparer.Ordinal);

    public DescriptorCatalog(IEnumerable<ServiceDescriptor> services)
    {
        var distinct = services.DistinctBy(service => service.FullName, StringComparer.Ordinal).ToList();
        ServiceNames = [.. distinct.Select(service => service.FullName).Order(StringComparer.Ordinal)];
        foreach (var file in distinct.SelectMany(service => WithDependencies(service.File)))
        {
            if (_filesByName.TryAdd(file.Name, file))
            {
                AddSymbols(file);
            }
        }
    }

    /// <summary>The full names of the services, in ordinal order.</summary>
    public IReadOnlyList<string> ServiceNames { get; }

    public FileDescriptor? FindFile(string name) => _filesByName.GetValueOrDefault(name);

    public FileDescriptor? FindFileOfSymbol(string fullName) => _filesBySymbol.GetValueOrDefault(fullName);

    public FileDescriptor? FindFileOfExtension(string extendedType, int number) =>
        _extensionsByType.GetValueOrDefault(extendedType)?.GetValueOrDefault(number);

    /// <summary>The extension numbers of a message type in ascending order; null if the type is unknown.</summary>
    public IReadOnlyCollection<int>? FindExtensionNumbers(string extendedType) =>
        _extensionsByType.GetValueOrDefault(extendedType)?.Keys;

    /// <summary>
    /// The file followed by all files that it imports, directly or not, nearest first. Clients take the first file for the one
    /// that they asked for and find the rest without asking again.
    /// </summary>
    public static IReadOnlyList<FileDescriptor> WithDependencies(FileDescriptor file)
    {
        var files = new List<FileDescriptor> { file };
        var names = new HashSet<string>(StringComparer.Ordinal) { file.Name };
        for (var next = 0; next < files.Count; next++)
        {
            files.AddRange(files[next].Dependencies.Where(dependency => names.Add(dependency.Name)));
        }

        return files;
    }

    private void AddSymbols(FileDescriptor file)
    {
        foreach (var service in file.Services)
        {
            AddSymbol(service);
            foreach (var method in service.Methods)
            {
                AddSymbol(method);
            }
        }

        foreach (var message in file.MessageTypes)
        {
            AddMessage(message);
        }

        foreach (var enumType in file.EnumTypes)
        {
            AddEnum(enumType, file.Package);
        }

        AddExtensions(file.Extensions);
    }

    private void AddMessage(MessageDescriptor message)
    {
        AddSymbol(message);
        ExtensionsOf(message);
        foreach (var field in message.Fields.InDeclarationOrder())
        {
            AddSymbol(field);
        }

        foreach (var oneof in message.Oneofs)
        {
            AddSymbol(oneof);
        }

        foreach (var nested in message.NestedTypes)
        {
            AddMessage(nested);
        }

        foreach (var enumType in message.EnumTypes)
        {
            AddEnum(enumType, message.FullName);
        }

        AddExtensions(message.Extensions);
    }

    /// <summary>Protobuf scopes the values of an enum like C does: as siblings of the enum, not inside it.</summary>
    private void AddEnum(EnumDescriptor enumType, string scope)
    {
        AddSymbol(enumType);
        foreach (var value in enumType.Values)
        {
            _filesBySymbol.TryAdd(scope.Length == 0 ? value.Name : $"{scope}.{value.Name}", value.File);
        }
    }

    private void AddExtensions(ExtensionCollection extensions)
    {
        foreach (var extension in extensions.UnorderedExtensions)
        {
            AddSymbol(extension);
            ExtensionsOf(extension.ExtendeeType).TryAdd(extension.FieldNumber, extension.File);
        }
    }

    private void AddSymbol(IDescriptor descriptor) => _filesBySymbol.TryAdd(descriptor.FullName, descriptor.File);

    private SortedDictionary<int, FileDescriptor> ExtensionsOf(MessageDescriptor message)
    {
        if (!_extensionsByType.TryGetValue(message.FullName, out var extensions))
        {
            _extensionsByType.Add(message.FullName, extensions = []);
        }

        return extensions;
    }
}
