using System.Reflection;

namespace StandIns.Tests.References;

/// <summary>The official assemblies that run on the stand-ins, and what each of them may miss.</summary>
internal static class OfficialBinaries
{
    internal static readonly string[] StandIns =
    [
        "Grpc.Core.Api",
        "Grpc.Net.Common",
        "Microsoft.SqlServer.Server",
        "SQLitePCLRaw.core",
    ];

    /// <summary>
    /// Per assembly, the pruned packages (see Directory.Build.props) that some of its methods need. Those methods fail when
    /// they are called; nothing else may. An entry that is no longer needed fails the test too.
    /// </summary>
    internal static readonly IReadOnlyDictionary<string, string[]> MayMiss = new Dictionary<string, string[]>(StringComparer.Ordinal)
    {
        ["Grpc.AspNetCore.Server"] = [],
        ["Grpc.Net.Client"] = [],
        ["Microsoft.Data.Sqlite"] = [],
        ["Microsoft.EntityFrameworkCore.Sqlite"] = [],
        ["Microsoft.EntityFrameworkCore.SqlServer"] = [],

        // Entra sign-in and enclave attestation.
        ["Microsoft.Data.SqlClient"] =
        [
            "Azure.Core",
            "Azure.Identity",
            "Microsoft.Identity.Client.Broker",
            "Microsoft.IdentityModel.JsonWebTokens",
            "Microsoft.IdentityModel.Logging",
            "Microsoft.IdentityModel.Protocols.OpenIdConnect",
            "Microsoft.IdentityModel.Tokens",
        ],

        // The check of the licence key.
        ["AutoMapper"] = ["Microsoft.IdentityModel.Tokens"],
        ["Quartz"] = [],
    };

    /// <summary>The assembly that the application would load, of several per operating system the one for this system.</summary>
    internal static Assembly Load(string name) => Assembly.Load(new AssemblyName(name));
}
