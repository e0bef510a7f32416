namespace Benchmarks;
internal static class ProfileSuite
{
    public static async Task RunAsync(BenchmarkOptions options)
    {
        await using var blog = await BlogUnderTest.StartAsync(options, 10_000);
        var callers = int.Parse(Environment.GetEnvironmentVariable("CALLERS") ?? "64", System.Globalization.CultureInfo.InvariantCulture);
        await blog.EditsAsync(callers, TimeSpan.FromSeconds(5));
        Console.WriteLine("GO");
        Console.WriteLine(await blog.EditsAsync(callers, TimeSpan.FromSeconds(12)));
    }
}
