using Blog.Server;
using GrpcCqrs.Hosting;

return await OperatorCommands.RunAsync(BlogHost.Build, args);
