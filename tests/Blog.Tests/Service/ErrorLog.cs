using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Blog.Tests.Service;

/// <summary>Collects what a service logs at level Error and above.</summary>
internal sealed class ErrorLog : ILoggerProvider, ILogger
{
    private readonly ConcurrentQueue<string> messages = [];
    private readonly ConcurrentQueue<string> expected = [];

    public void Expect(string text) => expected.Enqueue(text);

    public void AssertNoneUnexpected() =>
        Assert.DoesNotContain(messages, message => !expected.Any(text => message.Contains(text, StringComparison.Ordinal)));

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel))
        {
            messages.Enqueue($"{formatter(state, exception)} {exception}");
        }
    }

    public void Dispose()
    {
    }
}
