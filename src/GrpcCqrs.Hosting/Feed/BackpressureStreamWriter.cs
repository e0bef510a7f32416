using System.Globalization;
using Grpc.Core;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Subscriptions;

namespace GrpcCqrs.Hosting.Feed;

/// <summary>
/// Writes messages to a client one at a time, each only after the previous one was accepted, and ends the call if the
/// client accepts none for too long.
/// </summary>
internal sealed class BackpressureStreamWriter<T>(IServerStreamWriter<T> stream, FeedOptions options, TimeProvider clock)
{
    /// <summary>Writes one message.</summary>
    /// <param name="message">The message.</param>
    /// <param name="resumeAfter">
    /// The position to resume after, sent to a client that is disconnected; null if the service tracks it.
    /// </param>
    /// <param name="cancellationToken">The call's.</param>
    /// <exception cref="RejectedException"><see cref="FeedErrors.SlowConsumer"/>.</exception>
    public async Task WriteAsync(T message, long? resumeAfter, CancellationToken cancellationToken)
    {
        // Writing to a disconnected caller would be logged as a server error. The token is not passed to the write
        // itself, because cancelling that would end the call without an error.
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

    /// <summary>The error of a feed call that ends because the service stops.</summary>
    public RejectedException Stopping(long? resumeAfter) => new(FeedErrors.ServiceStopping, "The service is stopping.")
    {
        Facts = ResumeFacts(resumeAfter),
        RetryAfter = options.RetryAfter,
    };

    private static Dictionary<string, string> ResumeFacts(long? resumeAfter) => resumeAfter is { } position
        ? new(StringComparer.Ordinal) { ["resume_after_position"] = position.ToString(CultureInfo.InvariantCulture) }
        : new(StringComparer.Ordinal);
}
