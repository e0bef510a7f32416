namespace BlogImporter.Tests;

/// <summary>A directory for one test.</summary>
public sealed class ScratchDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("blog-importer-").FullName;

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => CleanUp.DeleteDirectory(Path);
}
