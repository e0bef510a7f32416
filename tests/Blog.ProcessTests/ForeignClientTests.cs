using System.Diagnostics;
using System.Reflection;
using Xunit;
using Xunit.Abstractions;

namespace Blog.ProcessTests;

/// <summary>
/// Clients that are not ours, against the service as a process. A tool that is not installed is a visible skip, but a failure
/// where <c>CI</c> is <c>true</c>.
/// </summary>
public sealed class ForeignClientTests(ITestOutputHelper output) : IDisposable
{
    private static readonly TimeSpan ToolLimit = TimeSpan.FromMinutes(2);
    private static readonly string Repository = typeof(ForeignClientTests).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "RepositoryRoot").Value!;

    private readonly DirectoryInfo work = Directory.CreateTempSubdirectory("grpccqrs-foreign-");

    public void Dispose() => CleanUp.DeleteDirectory(work.FullName);

    [LongFact]
    public async Task Python_grpcio_creates_edits_and_reads_posts_and_decodes_error_details()
    {
        // Debian's Python, which is where its grpcio is, even where another stands first in the path.
        var python = File.Exists("/usr/bin/python3") ? "/usr/bin/python3" : "python3";
        await RequireAsync(python, ["-c", "import grpc, google.protobuf"], "python3-grpcio and python3-protobuf");
        await RequireAsync("protoc", ["--version"], "protobuf-compiler");
        await RequireAsync("which", ["grpc_python_plugin"], "protobuf-compiler-grpc");
        var generated = work.CreateSubdirectory("python").FullName;
        var foreign = Path.Combine(Repository, "tests", "ForeignClients");
        var (_, plugin) = await RunAsync("which", ["grpc_python_plugin"]);
        var (compiled, compileOutput) = await RunAsync(
            "protoc",
            [
                $"-I{Path.Combine(Repository, "protos")}", $"-I{foreign}", $"--python_out={generated}", $"--grpc_python_out={generated}",
                $"--plugin=protoc-gen-grpc_python={plugin.Trim()}",
                "blog/v1/post.proto", "blog/v1/post_commands.proto", "blog/v1/post_queries.proto", "blog/v1/post_statistics.proto", "blog/v1/post_watch.proto", "google/rpc/error_model.proto",
            ]);
        Assert.True(compiled == 0, compileOutput);

        await using var server = await ServerProcess.StartAsync(work.CreateSubdirectory("data").FullName);
        var (exitCode, text) = await RunAsync(
            python, [Path.Combine(foreign, "blog_client.py"), new Uri(server.GrpcAddress).Authority], ("PYTHONPATH", generated));

        output.WriteLine(text);
        Assert.True(exitCode == 0, text);
        Assert.Contains("checks passed", text, StringComparison.Ordinal);
    }

    [LongTheory]
    [InlineData("grpc-v1")]
    [InlineData("grpc-v1alpha")]
    public async Task Buf_curl_calls_the_service_through_reflection(string reflectProtocol)
    {
        var buf = Environment.GetEnvironmentVariable("BUF") ?? "buf";
        await RequireAsync(buf, ["--version"], "buf (npm package @bufbuild/buf; the variable BUF may name it)");
        await using var server = await ServerProcess.StartAsync(work.CreateSubdirectory(reflectProtocol).FullName);
        string[] common = ["curl", "--protocol", "grpc", "--http2-prior-knowledge", "--reflect-protocol", reflectProtocol];

        var (listed, services) = await RunAsync(buf, [.. common, "--list-services", server.GrpcAddress]);
        var (created, answer) = await RunAsync(
            buf, [.. common, "-d", """{"title": "From buf", "author": "curl"}""", $"{server.GrpcAddress}/blog.v1.PostCommandService/CreatePost"]);
        var (refused, error) = await RunAsync(
            buf, [.. common, "-d", """{"title": " ", "author": "curl"}""", $"{server.GrpcAddress}/blog.v1.PostCommandService/CreatePost"]);

        Assert.True(listed == 0, services);
        Assert.Contains("blog.v1.PostQueryService", services, StringComparison.Ordinal);
        Assert.True(created == 0, answer);
        Assert.Contains("\"slug\": \"from-buf\"", answer, StringComparison.Ordinal);
        Assert.NotEqual(0, refused);
        Assert.Contains("invalid_argument", error, StringComparison.Ordinal);
    }

    private static async Task RequireAsync(string program, string[] arguments, string what)
    {
        var isThere = false;
        try
        {
            isThere = (await RunAsync(program, arguments)).ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            // There is no such program.
        }

        if (!isThere && Environment.GetEnvironmentVariable("CI") == "true")
        {
            Assert.Fail($"CI lacks {what}.");
        }

        Skip.IfNot(isThere, $"{what} is not installed.");
    }

    private static async Task<(int ExitCode, string Output)> RunAsync(string program, string[] arguments, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        using var limit = new CancellationTokenSource(ToolLimit);
        var output = process.StandardOutput.ReadToEndAsync(limit.Token);
        var error = process.StandardError.ReadToEndAsync(limit.Token);
        await process.WaitForExitAsync(limit.Token);
        return (process.ExitCode, await output + await error);
    }
}
