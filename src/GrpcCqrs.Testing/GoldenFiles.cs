namespace GrpcCqrs.Testing;

/// <summary>Whether golden files that are missing are written. A golden file that exists is never written again: it is the contract.</summary>
internal static class GoldenFiles
{
    private const string Variable = "GRPCCQRS_APPROVE";

    /// <summary>What a message adds about it.</summary>
    public static string Hint => $"{Variable}=1 in the environment of the test has it written.";

    /// <summary>Whether this run writes missing files.</summary>
    public static bool AreApproved => Environment.GetEnvironmentVariable(Variable) == "1";
}
