using Blog.Server;
using GrpcCqrs.Hosting;

await using var app = await BlogHost.CreateAsync(args);
if (await OperatorCommands.TryRunAsync(app, args) is { } exitCode)
{
    return exitCode;
}

await app.RunAsync();
return 0;
