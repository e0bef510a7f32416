using System.ComponentModel.DataAnnotations;

namespace GrpcCqrs.Jobs.Hangfire;

/// <summary>Where Hangfire stores its own data. The job records are always in the write database.</summary>
public enum JobStorageKind
{
    /// <summary>
    /// In the schema <c>hangfire</c> of the write database, on PostgreSQL and SQL Server; in memory on SQLite, for
    /// which Hangfire has no safe storage.
    /// </summary>
    Database,

    /// <summary>In memory: each process has its own schedule and history, and Hangfire creates no tables.</summary>
    Memory,
}

/// <summary>
/// When jobs run, and how many at a time. Schedules are cron expressions in UTC, with five fields, or six with seconds
/// first; an empty one disables the job. Configuration section <c>Jobs</c>.
/// </summary>
public sealed class JobScheduleOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Jobs";

    /// <summary>How many jobs this process runs at a time. Default 2; 0 for none.</summary>
    [Range(0, 64)]
    public int Workers { get; set; } = 2;

    /// <summary>
    /// Where Hangfire stores its queue, schedule and history. Default <see cref="JobStorageKind.Database"/>.
    /// </summary>
    [EnumDataType(typeof(JobStorageKind))]
    public JobStorageKind Storage { get; set; } = JobStorageKind.Database;

    /// <summary>Whether the dashboard is served. Default true.</summary>
    public bool Dashboard { get; set; } = true;

    /// <summary>
    /// When the outbox is drained, in case a commit's wake-up was lost. The job fails if the read model does not catch
    /// up. Default every minute.
    /// </summary>
    public string DrainSchedule { get; set; } = "* * * * *";

    /// <summary>
    /// When command ids older than <c>Commands:Retention</c> and job records older than <c>Jobs:Retention</c> are
    /// removed. Default every ten minutes.
    /// </summary>
    public string ForgetSchedule { get; set; } = "*/10 * * * *";

    /// <summary>When a sample of the read model is compared with its events. Default every hour.</summary>
    public string AuditSchedule { get; set; } = "0 * * * *";

    /// <summary>How many streams such an audit samples. Default 100.</summary>
    [Range(1, 1_000_000)]
    public int AuditSample { get; set; } = 100;

    /// <summary>
    /// When the event log's hash chain is verified, which reads the whole log. Default daily at 03:30.
    /// </summary>
    public string VerifySchedule { get; set; } = "30 3 * * *";

    /// <summary>How often to look for jobs whose process has died, and resume them. Default 5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00", ParseLimitsInInvariantCulture = true, ConvertValueInInvariantCulture = true)]
    public TimeSpan ResumeInterval { get; set; } = TimeSpan.FromSeconds(5);
}
