using System.Net;
using Hangfire.Dashboard;
using Microsoft.AspNetCore.Http;

namespace GrpcCqrs.Jobs.Hangfire;

/// <summary>
/// Allows only callers on this machine that use one of its own names. It rejects requests forwarded by proxies on this
/// machine if they can be recognised (by a header, by HTTP/1.0 as nginx uses by default, or by HTTP/2 as with
/// grpc_pass), and pages of other sites whose name resolves to this machine. A proxy that forwards over HTTP/1.1
/// without a header cannot be distinguished from a local caller: do not put one in front, or set <c>Jobs:Dashboard</c>
/// to false.
/// </summary>
internal sealed class LocalOnly : IDashboardAuthorizationFilter
{
    private static readonly string[] ProxyHeaders = ["Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP"];

    public bool Authorize(DashboardContext context) => IsLocal(context.GetHttpContext());

    internal static bool IsLocal(HttpContext http) =>
        http.Request.Protocol == HttpProtocol.Http11
        && http.Connection.RemoteIpAddress is { } remote && IPAddress.IsLoopback(remote)
        && http.Connection.LocalIpAddress is { } local && IPAddress.IsLoopback(local)
        && IsLocalName(http.Request.Host.Host)
        && !Array.Exists(ProxyHeaders, header => http.Request.Headers.ContainsKey(header));

    private static bool IsLocalName(string host) =>
        string.Equals(host, "localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(host.Trim('[', ']'), out var ip) && IPAddress.IsLoopback(ip));
}
