using System.Net;
using Hangfire.Dashboard;
using Microsoft.AspNetCore.Http;

namespace GrpcCqrs.Jobs.Hangfire;

/// <summary>
/// Lets in who calls from this machine by one of its own names, and nobody whom a proxy on this machine speaks for; a page of
/// another site that has its name resolve to this machine stays outside too.
/// </summary>
internal sealed class LocalOnly : IDashboardAuthorizationFilter
{
    private static readonly string[] ProxyHeaders = ["Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP"];

    public bool Authorize(DashboardContext context) => IsLocal(context.GetHttpContext());

    internal static bool IsLocal(HttpContext http) =>
        http.Connection.RemoteIpAddress is { } remote && IPAddress.IsLoopback(remote)
        && http.Connection.LocalIpAddress is { } local && IPAddress.IsLoopback(local)
        && IsLocalName(http.Request.Host.Host)
        && !Array.Exists(ProxyHeaders, header => http.Request.Headers.ContainsKey(header));

    private static bool IsLocalName(string host) =>
        string.Equals(host, "localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(host.Trim('[', ']'), out var ip) && IPAddress.IsLoopback(ip));
}
