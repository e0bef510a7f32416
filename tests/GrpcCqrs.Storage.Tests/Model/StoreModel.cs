using System.Collections.Immutable;
using GrpcCqrs.EventSourcing;

namespace GrpcCqrs.Storage.Tests.Model;

/// <summary>What an event store is, in its simplest words: no queue, no database, no concurrency.</summary>
public sealed record StoreModel
{
    public ImmutableDictionary<string, long> Versions { get; init; } = ImmutableDictionary<string, long>.Empty;

    public ImmutableDictionary<Guid, CommandResult> Commands { get; init; } = ImmutableDictionary<Guid, CommandResult>.Empty;

    public ImmutableDictionary<UniqueKey, string> Keys { get; init; } = ImmutableDictionary<UniqueKey, string>.Empty;

    public long Head { get; init; }

    /// <summary>The result on an append, as a text that can be compared, and the store after it.</summary>
    public (string Result, StoreModel After) Append(AppendRequest request)
    {
        var stream = request.Stream!.Value.ToString();
        var version = Versions.GetValueOrDefault(stream);
        if (request.Command is { } known && Commands.TryGetValue(known.CommandId, out var first))
        {
            return (Duplicate(first), this);
        }

        if (!request.ExpectedVersion.Matches(version))
        {
            return (Wrong(version), this);
        }

        foreach (var key in request.Claims.Where(key => Keys.TryGetValue(key, out var holder) && holder != stream))
        {
            return (Taken(key), this);
        }

        var (newVersion, head) = (version + request.Events.Count, Head + request.Events.Count);
        var position = request.Events.Count > 0 ? head : request.Command?.UnchangedPosition ?? 0;
        return (
            Appended(newVersion, position),
            new StoreModel
            {
                Versions = Versions.SetItem(stream, newVersion),
                Commands = request.Command is { } command
                    ? Commands.Add(command.CommandId, new CommandResult(request.Stream.Value, command.Version, position, command.Reply))
                    : Commands,
                Keys = Keys.RemoveRange(request.Releases.Where(key => Keys.GetValueOrDefault(key) == stream))
                    .SetItems(request.Claims.Select(key => KeyValuePair.Create(key, stream))),
                Head = head,
            });
    }

    /// <summary>
    /// The states in which racing appends can have left the store, given their results: those that some order explains. What is
    /// built up is, for each set of appends that may have gone first, the states that they can have led to.
    /// </summary>
    public static IReadOnlyList<StoreModel> Explain(IEnumerable<StoreModel> before, IReadOnlyList<(AppendRequest Request, string Result)> answers)
    {
        var reached = new Dictionary<string, StoreModel>[1 << answers.Count];
        for (var set = 0; set < reached.Length; set++)
        {
            reached[set] = new Dictionary<string, StoreModel>(StringComparer.Ordinal);
        }

        foreach (var model in before)
        {
            reached[0][model.Fingerprint] = model;
        }

        for (var set = 0; set < reached.Length; set++)
        {
            foreach (var next in Enumerable.Range(0, answers.Count).Where(next => (set & (1 << next)) == 0))
            {
                foreach (var (result, after) in reached[set].Values.Select(model => model.Append(answers[next].Request)))
                {
                    if (result == answers[next].Result)
                    {
                        reached[set | (1 << next)][after.Fingerprint] = after;
                    }
                }
            }
        }

        return [.. reached[^1].Values];
    }

    /// <summary>Equal for equal states.</summary>
    private string Fingerprint => string.Join(
        '|',
        Head,
        string.Join(',', Versions.OrderBy(pair => pair.Key, StringComparer.Ordinal)),
        string.Join(',', Commands.OrderBy(pair => pair.Key)),
        string.Join(',', Keys.OrderBy(pair => pair.Key.Value, StringComparer.Ordinal)));

    /// <summary>A result of the real store in the model's words.</summary>
    public static string Describe(AppendResult result) => result switch
    {
        AppendResult.Appended v => Appended(v.Version, v.Position),
        AppendResult.WrongExpectedVersion v => Wrong(v.ActualVersion),
        AppendResult.DuplicateCommand v => Duplicate(v.First.Result),
        AppendResult.UniqueKeyTaken v => Taken(v.Key),
        _ => throw new InvalidOperationException(),
    };

    private static string Appended(long version, long position) => $"appended at version {version}, position {position}";

    private static string Wrong(long version) => $"wrong expected version, it is {version}";

    private static string Duplicate(CommandResult first) => $"answered before: {first}";

    private static string Taken(UniqueKey key) => $"taken: {key}";
}
