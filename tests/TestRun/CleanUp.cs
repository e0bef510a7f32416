namespace TestRun;

/// <summary>
/// Removes what tests leave behind. A clean-up that fails says so on standard error and never fails a test: on a busy machine a file
/// may still be open and a server may answer late, and neither is about what was tested.
/// </summary>
internal static class CleanUp
{
    /// <summary>Runs a clean-up.</summary>
    /// <param name="what">What is cleaned up, for the message.</param>
    /// <param name="action">The clean-up.</param>
    public static void Try(string what, Action action)
    {
        try
        {
            action();
        }
        catch (Exception exception)
        {
            Console.Error.WriteLine($"Clean-up of {what} failed: {exception.Message}");
        }
    }

    /// <summary>Deletes a directory and all that is in it.</summary>
    public static void DeleteDirectory(string path) => Try(path, () => Directory.Delete(path, recursive: true));
}
