using System.Globalization;
using System.Text;

namespace GrpcCqrs.EventSourcing;

/// <summary>
/// The names of a projection's tables in the read database. A rebuild fills a new generation of them beside the live
/// one (blue/green), so each generation's tables have their own names.
/// </summary>
internal static class GenerationNames
{
    /// <summary>The name of a table or index in a generation, such as <c>books_g3</c>.</summary>
    /// <param name="generation">The generation's number, from 1.</param>
    /// <param name="name">The name without a generation.</param>
    public static string NameIn(int generation, string name) => string.Create(CultureInfo.InvariantCulture, $"{name}_g{generation}");

    /// <summary>Replaces each name in braces with its name in a generation.</summary>
    /// <param name="generation">The generation's number, from 1.</param>
    /// <param name="sql">The statement.</param>
    public static string Resolve(int generation, string sql)
    {
        ArgumentNullException.ThrowIfNull(sql);
        var text = new StringBuilder(sql.Length + 16);
        for (var rest = sql.AsSpan(); ;)
        {
            var open = rest.IndexOf('{');
            var close = open < 0 ? -1 : rest[open..].IndexOf('}');
            if (close < 0)
            {
                return text.Append(rest).ToString();
            }

            text.Append(rest[..open]).Append(NameIn(generation, rest.Slice(open + 1, close - 1).ToString()));
            rest = rest[(open + close + 1)..];
        }
    }
}
