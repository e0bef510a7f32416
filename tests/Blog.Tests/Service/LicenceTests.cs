using System.Collections.Concurrent;
using AutoMapper;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Blog.Tests.Service;

/// <summary>AutoMapper's own licence check runs, and what it says reaches the log.</summary>
public sealed class LicenceTests
{
    private const string Category = "LuckyPennySoftware.AutoMapper.License";

    [Fact]
    public async Task A_service_without_a_key_is_told_what_that_allows()
    {
        var said = await SaidAtFirstMappingAsync(new BlogService());
        Assert.Contains(said, line => line.Level == LogLevel.Warning && line.Text.Contains("You do not have a valid license key", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_wrong_key_is_found_out_by_the_library()
    {
        var service = new WronglyLicensedBlog();
        service.ExpectError("license key appears to be incomplete or corrupted");
        var said = await SaidAtFirstMappingAsync(service);
        Assert.Contains(said, line => line.Level == LogLevel.Error && line.Text.Contains("license key appears to be incomplete or corrupted", StringComparison.Ordinal));
    }

    private static async Task<IReadOnlyCollection<(LogLevel Level, string Text)>> SaidAtFirstMappingAsync(BlogService service)
    {
        await service.InitializeAsync();
        try
        {
            using var said = new SaidLog();
            service.Services.GetRequiredService<ILoggerFactory>().AddProvider(said);
            _ = service.Services.GetRequiredService<IMapper>();
            await service.CreateAsync();
            return said.Lines;
        }
        finally
        {
            await service.DisposeAsync();
        }
    }

    private sealed class WronglyLicensedBlog : BlogService
    {
        protected override IEnumerable<string> Settings => ["--AutoMapper:LicenseKey=not-a-key"];
    }

    private sealed class SaidLog : ILoggerProvider
    {
        public ConcurrentQueue<(LogLevel Level, string Text)> Lines { get; } = [];

        public ILogger CreateLogger(string categoryName) =>
            categoryName == Category ? new Logger(Lines) : Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance;

        public void Dispose()
        {
        }

        private sealed class Logger(ConcurrentQueue<(LogLevel Level, string Text)> lines) : ILogger
        {
            public IDisposable? BeginScope<TState>(TState state)
                where TState : notnull => null;

            public bool IsEnabled(LogLevel logLevel) => true;

            public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
                lines.Enqueue((logLevel, formatter(state, exception)));
        }
    }
}
