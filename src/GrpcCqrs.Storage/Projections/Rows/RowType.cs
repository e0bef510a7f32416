using System.Collections.Concurrent;
using System.ComponentModel.DataAnnotations;
using System.ComponentModel.DataAnnotations.Schema;
using System.Linq.Expressions;
using System.Reflection;
using System.Text;
using Microsoft.EntityFrameworkCore;

namespace GrpcCqrs.Storage.Projections.Rows;

/// <summary>Marks the property of a row class that holds the id of the stream that the row belongs to.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class StreamColumnAttribute : Attribute;

/// <summary>
/// The columns of a row class. Tables, SELECT lists, writers and readers are all derived from it. A column has its
/// property's name in lower case with underscores (<c>PostId</c> is <c>post_id</c>), unless
/// <see cref="ColumnAttribute"/> names it.
/// </summary>
public class RowType
{
    private readonly Type type;
    private readonly NullabilityInfoContext nullability = new();

    private protected RowType(Type type)
    {
        this.type = type;
        // Base class columns first.
        Properties = [.. type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(property => property.CanWrite && property.GetCustomAttribute<NotMappedAttribute>() is null)
            .OrderBy(property => DepthOf(property.DeclaringType!)).ThenBy(property => property.MetadataToken)];
        var keys = type.GetCustomAttribute<PrimaryKeyAttribute>()?.PropertyNames
            ?? [.. Properties.Where(property => property.GetCustomAttribute<KeyAttribute>() is not null).Select(property => property.Name)];
        Keys = [.. keys.Select(key => Properties.First(property => property.Name == key))];
        Columns = [.. Properties.Select(ColumnOf)];
        if (Keys.Count == 0)
        {
            throw new InvalidOperationException($"The row class {type.Name} has no key: mark a property with [Key], or the class with [PrimaryKey].");
        }
    }

    /// <summary>The properties that map to columns.</summary>
    internal IReadOnlyList<PropertyInfo> Properties { get; }

    /// <summary>The primary key's properties, in key order.</summary>
    internal IReadOnlyList<PropertyInfo> Keys { get; }

    /// <summary>The names of all columns.</summary>
    public IReadOnlyList<string> Columns { get; }

    /// <summary>What the class declares, line by line: columns with type and length, key, indexes.</summary>
    internal IEnumerable<string> Declarations =>
    [
        .. Properties.Select(property =>
            $"{ColumnOf(property)} {property.PropertyType} {property.GetCustomAttribute<MaxLengthAttribute>()?.Length} {nullability.Create(property).WriteState}"),
        $"key {string.Join(' ', Keys.Select(ColumnOf))}",
        .. type.GetCustomAttributes<IndexAttribute>().Select(index => $"index {string.Join(' ', index.PropertyNames)} {index.IsUnique}").Order(StringComparer.Ordinal),
    ];

    /// <summary>The columns of a row class.</summary>
    /// <exception cref="InvalidOperationException">It has no key.</exception>
    internal static RowType Of(Type type) => new(type);

    /// <summary>A property's column.</summary>
    internal static string ColumnOf(MemberInfo property)
    {
        if (property.GetCustomAttribute<ColumnAttribute>()?.Name is { } given)
        {
            return given;
        }

        var name = new StringBuilder();
        foreach (var letter in property.Name)
        {
            if (char.IsUpper(letter) && name.Length > 0)
            {
                name.Append('_');
            }

            name.Append(char.ToLowerInvariant(letter));
        }

        return name.ToString();
    }

    private static int DepthOf(Type type) => type.BaseType is { } inherited ? 1 + DepthOf(inherited) : 0;
}

/// <summary>The columns of a row class, with access to their values.</summary>
/// <typeparam name="TRow">The row class.</typeparam>
public sealed class RowType<TRow> : RowType
    where TRow : class
{
    private readonly Dictionary<string, Func<TRow, object?>> values;
    private readonly ConcurrentDictionary<string, string> selectLists = new(StringComparer.Ordinal);

    private RowType()
        : base(typeof(TRow)) => values = Properties.ToDictionary(ColumnOf, Getter, StringComparer.Ordinal);

    /// <summary>The only instance.</summary>
    public static RowType<TRow> Instance { get; } = new();

    /// <summary>A SELECT list with each column aliased to its property's name, for Dapper.</summary>
    /// <param name="alias">The table's alias in the statement; empty for none.</param>
    public string SelectList(string alias = "") => selectLists.GetOrAdd(alias, ListOf);

    /// <summary>A column's value.</summary>
    internal Func<TRow, object?> ValueOf(string column) => values[column];

    private string ListOf(string alias)
    {
        var prefix = alias.Length > 0 ? alias + "." : "";
        return string.Join(", ", Properties.Zip(Columns, (property, column) => $"{prefix}{column} AS {property.Name}"));
    }

    private static Func<TRow, object?> Getter(PropertyInfo property)
    {
        var row = Expression.Parameter(typeof(TRow));
        return Expression.Lambda<Func<TRow, object?>>(Expression.Convert(Expression.Property(row, property), typeof(object)), row).Compile();
    }
}
