using System.Data.Common;
using System.Text.Json;
using GrpcCqrs.Storage.Databases;

namespace GrpcCqrs.Storage.Jobs;

/// <summary>
/// The job records in the write database. Each write is a short transaction; a runner's writes require its fence.
/// </summary>
internal sealed class JobStore(WriteDatabase database, TimeProvider clock)
{
    private const string Columns =
        "id, kind, arguments, user_name, created_us, state, attempts, owner, fence, beat, done, total, message, resume_from, cancelled_by, updated_us, ended_us";

    /// <summary>Longer messages are truncated.</summary>
    private const int MaxMessage = 4_000;

    /// <summary>Adds a pending job.</summary>
    public async Task<Job> AddAsync(string kind, JobArguments arguments, string user, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        var id = Guid.CreateVersion7(now);
        await WriteAsync(
            "INSERT INTO jobs (id, kind, arguments, user_name, created_us, state, attempts, owner, fence, beat, done, total, message, updated_us, ended_us)"
            + " VALUES (@id, @kind, @arguments, @user_name, @time_us, 0, 0, '', 0, 0, 0, 0, '', @time_us, 0)",
            cancellationToken,
            ("id", id), ("kind", kind), ("arguments", JsonSerializer.Serialize(arguments, JobJson.Default.JobArguments)), ("user_name", user),
            ("time_us", UnixMicroseconds.From(now)));
        return (await FindAsync(id, cancellationToken))!;
    }

    /// <summary>The job with this id, or null.</summary>
    public async Task<Job?> FindAsync(Guid id, CancellationToken cancellationToken) =>
        (await ReadAsync($"SELECT {Columns} FROM jobs WHERE id = @id", cancellationToken, ("id", id))) is [var job] ? job : null;

    /// <summary>The newest jobs that were started before a time, newest first.</summary>
    public Task<List<Job>> ReadNewestAsync(DateTimeOffset before, int count, CancellationToken cancellationToken) => ReadAsync(
        database.Provider.FirstRows($"SELECT {Columns} FROM jobs WHERE created_us < @before ORDER BY created_us DESC"), cancellationToken,
        ("before", UnixMicroseconds.From(before)), ("count", count));

    /// <summary>The jobs that have not ended, oldest first.</summary>
    public Task<List<Job>> ReadUnfinishedAsync(int count, CancellationToken cancellationToken) => ReadAsync(
        database.Provider.FirstRows($"SELECT {Columns} FROM jobs WHERE state < 2 ORDER BY created_us"), cancellationToken, ("count", count));

    /// <summary>Takes a job over, if it is unchanged since it was read; null if another process was first.</summary>
    public async Task<Job?> TakeAsync(Job seen, string owner, CancellationToken cancellationToken)
    {
        var taken = await WriteAsync(
            "UPDATE jobs SET state = 1, owner = @owner, fence = fence + 1, beat = beat + 1, attempts = attempts + 1, updated_us = @time_us"
            + " WHERE id = @id AND fence = @fence AND beat = @beat AND state < 2",
            cancellationToken,
            ("owner", owner), ("time_us", Now()), ("id", seen.Id), ("fence", seen.Fence), ("beat", seen.Beat));

        // The row was unchanged since it was read, because every write changes the heartbeat. A second read might
        // already return the next owner's changes.
        return taken == 1
            ? seen with { State = JobState.Running, Owner = owner, Fence = seen.Fence + 1, Beat = seen.Beat + 1, Attempts = seen.Attempts + 1 }
            : null;
    }

    /// <summary>Writes a heartbeat. False if another runner has taken over.</summary>
    public async Task<bool> BeatAsync(Job job, CancellationToken cancellationToken) =>
        await WriteAsync(
            "UPDATE jobs SET beat = beat + 1 WHERE id = @id AND fence = @fence AND state = 1", cancellationToken, ("id", job.Id), ("fence", job.Fence)) == 1;

    /// <summary>Writes the job's progress. False if another runner has taken over.</summary>
    public async Task<bool> ReportAsync(Job job, long done, long total, string message, CancellationToken cancellationToken) =>
        await WriteAsync(
            "UPDATE jobs SET beat = beat + 1, done = @done, total = @total, message = @message, updated_us = @time_us WHERE id = @id AND fence = @fence AND state = 1",
            cancellationToken,
            ("done", done), ("total", total), ("message", StorableText.From(message, MaxMessage)), ("time_us", Now()), ("id", job.Id), ("fence", job.Fence)) == 1;

    /// <summary>Writes where the job resumes. False if another runner has taken over.</summary>
    public async Task<bool> SaveAsync(Job job, string resumeFrom, CancellationToken cancellationToken) =>
        await WriteAsync(
            "UPDATE jobs SET beat = beat + 1, resume_from = @resume_from, updated_us = @time_us WHERE id = @id AND fence = @fence AND state = 1",
            cancellationToken,
            ("resume_from", resumeFrom), ("time_us", Now()), ("id", job.Id), ("fence", job.Fence)) == 1;

    /// <summary>Ends the job. False if another runner has taken over.</summary>
    public async Task<bool> FinishAsync(Job job, JobState state, string message, CancellationToken cancellationToken) =>
        await WriteAsync(
            "UPDATE jobs SET state = @state, message = @message, updated_us = @time_us, ended_us = @time_us WHERE id = @id AND fence = @fence AND state = 1",
            cancellationToken,
            ("state", (int)state), ("message", StorableText.From(message, MaxMessage)), ("time_us", Now()), ("id", job.Id), ("fence", job.Fence)) == 1;

    /// <summary>Releases the job, so that another process can resume it at once.</summary>
    public Task ReleaseAsync(Job job, CancellationToken cancellationToken) => WriteAsync(
        "UPDATE jobs SET state = 0, owner = '', beat = beat + 1, updated_us = @time_us WHERE id = @id AND fence = @fence AND state = 1",
        cancellationToken,
        ("time_us", Now()), ("id", job.Id), ("fence", job.Fence));

    /// <summary>Requests the cancellation of a job; a pending one ends at once.</summary>
    public async Task CancelAsync(Guid id, string user, CancellationToken cancellationToken)
    {
        // In this order: a job that is released in between is cancelled by the second statement, or by its next runner.
        await WriteAsync(
            "UPDATE jobs SET cancelled_by = @user_name, beat = beat + 1, updated_us = @time_us WHERE id = @id AND state < 2 AND cancelled_by IS NULL",
            cancellationToken,
            ("user_name", user), ("time_us", Now()), ("id", id));
        await WriteAsync(
            "UPDATE jobs SET state = 4, message = 'Cancelled before it began.', beat = beat + 1, updated_us = @time_us, ended_us = @time_us"
            + " WHERE id = @id AND state = 0 AND attempts = 0",
            cancellationToken,
            ("time_us", Now()), ("id", id));
    }

    /// <summary>Removes the records of jobs that ended before a time; returns their number.</summary>
    public Task<int> DeleteExpiredAsync(DateTimeOffset before, CancellationToken cancellationToken) => WriteAsync(
        "DELETE FROM jobs WHERE state >= 2 AND ended_us < @before", cancellationToken, ("before", UnixMicroseconds.From(before)));

    private long Now() => UnixMicroseconds.From(clock.GetUtcNow());

    private Task<int> WriteAsync(string text, CancellationToken cancellationToken, params (string Name, object? Value)[] parameters) =>
        database.ExecuteAsync(text, cancellationToken, parameters);

    private Task<List<Job>> ReadAsync(string text, CancellationToken cancellationToken, params (string Name, object? Value)[] parameters) =>
        database.QueryAsync(text, Read, cancellationToken, parameters);

    private static Job Read(DbDataReader reader) => new(
        reader.GetGuid(0), reader.GetString(1), JsonSerializer.Deserialize(reader.GetString(2), JobJson.Default.JobArguments)!, reader.GetString(3),
        UnixMicroseconds.ToTime(reader.GetInt64(4)))
    {
        State = (JobState)reader.GetInt32(5),
        Attempts = reader.GetInt32(6),
        Owner = reader.GetString(7),
        Fence = reader.GetInt64(8),
        Beat = reader.GetInt64(9),
        Done = reader.GetInt64(10),
        Total = reader.GetInt64(11),
        Message = reader.GetString(12),
        ResumeFrom = reader.IsDBNull(13) ? null : reader.GetString(13),
        CancelledBy = reader.IsDBNull(14) ? null : reader.GetString(14),
        UpdatedTime = UnixMicroseconds.ToTime(reader.GetInt64(15)),
        EndTime = reader.GetInt64(16) == 0 ? null : UnixMicroseconds.ToTime(reader.GetInt64(16)),
    };
}
