using Blog.Server;

await using var app = await BlogHost.CreateAsync(args);
await app.RunAsync();
