using System.Globalization;
using Grpc.Core;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage;

namespace GrpcCqrs.Hosting.Feed;

/// <summary>
/// Writes to a client one message after the other, each only when the one before it is taken, and cuts the client off when it takes
/// nothing for too long.
/// </summary>
internal sealed class BackpressureStreamWriter<T>(IServerStreamWriter<T> stream, FeedOptions options, TimeProvider clock)
{
    /// <summary>Writes one message.</summary>
    /// <param name="message">The message.</param>
    /// <param name="resumeAfter">What the client is told to start behind where it is cut off; null where the service knows that by itself.</param>
    /// <param name="cancellationToken">The call's.</param>
    /// <exception cref="RejectedException"><see cref="FeedErrors.SlowConsumer"/>.</exception>
    public async Task WriteAsync(T message, long? resumeAfter, CancellationToken cancellationToken)
    {
        // A write to a caller that is gone is an error of the server otherwise. The token is not for the write itself: that would end the
        // call without telling why.
        cancellationToken.ThrowIfCancellationRequested();
        var writing = Task.CompletedTask;
        try
        {
            writing = stream.WriteAsync(message, CancellationToken.None);
            if (writing.IsCompletedSuccessfully)
            {
                return;
            }

            await writing.WaitAsync(options.SlowConsumerTimeout, clock, cancellationToken);
        }
        catch (InvalidOperationException) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }
        catch (TimeoutException)
        {
            _ = writing.ContinueWith(static task => task.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
            throw new RejectedException(FeedErrors.SlowConsumer, $"The client took no message for {options.SlowConsumerTimeout}.")
            {
                Facts = ResumeFacts(resumeAfter),
            };
        }
    }

    /// <summary>The error of a feed that ends since the service does.</summary>
    public RejectedException Stopping(long? resumeAfter) => new(FeedErrors.ServiceStopping, "The service is stopping.")
    {
        Facts = ResumeFacts(resumeAfter),
        RetryAfter = options.RetryAfter,
    };

    private static Dictionary<string, string> ResumeFacts(long? resumeAfter) => resumeAfter is { } position
        ? new(StringComparer.Ordinal) { ["resume_after_position"] = position.ToString(CultureInfo.InvariantCulture) }
        : new(StringComparer.Ordinal);
}
