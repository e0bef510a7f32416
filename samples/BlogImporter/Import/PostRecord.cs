using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace BlogImporter;

/// <summary>
/// Stands for a text when texts are compared: SHA-256 of its UTF-16 code units, so that equal digests mean equal texts, ordinally,
/// while the contents of a whole blog need not be kept.
/// </summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct TextDigest(UInt128 High, UInt128 Low, int Length)
{
    public static TextDigest Of(string text)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(MemoryMarshal.AsBytes(text.AsSpan()), hash);
        return new TextDigest(BinaryPrimitives.ReadUInt128BigEndian(hash), BinaryPrimitives.ReadUInt128BigEndian(hash[16..]), text.Length);
    }
}

/// <summary>What an accepted command made of a post.</summary>
/// <param name="Version">The version that the service answered.</param>
/// <param name="Title">The title that it set; null where it set none.</param>
/// <param name="Content">The content that it set; null where it set none.</param>
/// <param name="IsDeletion">Whether it deleted the post.</param>
internal sealed record PostStep(long Version, TextDigest? Title, TextDigest? Content, bool IsDeletion);

/// <summary>What a post must look like.</summary>
/// <param name="Title">The title.</param>
/// <param name="Content">The content.</param>
/// <param name="IsDeleted">Whether it is deleted.</param>
internal readonly record struct PostState(TextDigest Title, TextDigest Content, bool IsDeleted);

/// <summary>
/// One post of the service and what the import has done to it. A post that the history deletes and creates again is two of them.
/// Used by one worker at a time.
/// </summary>
/// <param name="key">The post's key in the history.</param>
/// <param name="id">Its id in the service.</param>
/// <param name="firstSeen">The number of its first edit in the history.</param>
internal sealed class PostRecord(string key, Guid id, long firstSeen)
{
    private readonly List<PostStep> steps = [];
    private HashSet<Guid>? commandsBefore;

    public string Key { get; } = key;

    public Guid Id { get; } = id;

    public long FirstSeen { get; } = firstSeen;

    /// <summary>Whether <see cref="StartFrom"/> was called.</summary>
    public bool IsStarted => commandsBefore is not null;

    /// <summary>The newest version that the service has told of.</summary>
    public long Version { get; private set; }

    /// <summary>The token of the newest answer; empty where no command was accepted.</summary>
    public string ConsistencyToken { get; private set; } = "";

    /// <summary>What the accepted commands made of it, in the order of the history.</summary>
    public IReadOnlyList<PostStep> Steps => steps;

    /// <summary>Takes note of what stands in the service before this run's first command: one command id an event.</summary>
    public void StartFrom(IReadOnlyList<Guid> commandIds)
    {
        commandsBefore = [.. commandIds];
        Version = commandIds.Count;
    }

    /// <summary>
    /// Takes note of an answer and tells what the command did, by the post's version: a version that was not there before means
    /// that this run appended an event (also where an answer was lost and the repetition brought it). Otherwise nothing was
    /// appended: the event of a command with this id was there before the run, or the command changes nothing at all. True as
    /// long as nobody else changes the post during the run.
    /// </summary>
    public CommandEffect Accept(Guid commandId, CommandAnswer answer, PostStep step)
    {
        steps.Add(step);
        ConsistencyToken = answer.ConsistencyToken;
        if (answer.Version > Version)
        {
            Version = answer.Version;
            return CommandEffect.Appended;
        }

        return commandsBefore?.Contains(commandId) == true ? CommandEffect.Repeated : CommandEffect.Unchanged;
    }

    /// <summary>The state after a version: that of every step up to it.</summary>
    public PostState StateAt(long version)
    {
        var state = new PostState(TextDigest.Of(""), TextDigest.Of(""), IsDeleted: false);
        foreach (var step in steps.Where(step => step.Version <= version).OrderBy(step => step.Version))
        {
            state = new PostState(step.Title ?? state.Title, step.Content ?? state.Content, state.IsDeleted || step.IsDeletion);
        }

        return state;
    }
}

/// <summary>What an accepted command did to the event log.</summary>
internal enum CommandEffect
{
    /// <summary>It appended an event in this run.</summary>
    Appended,

    /// <summary>It was carried out before this run; the answer is the first one.</summary>
    Repeated,

    /// <summary>It changes nothing: the post is that way already.</summary>
    Unchanged,
}
