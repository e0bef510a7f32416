using Benchmarks;
using Spectre.Console;

if (args is not ["group-commit"])
{
    AnsiConsole.WriteLine("usage: dotnet run -c Release --project tests/Benchmarks -- group-commit");
    return 2;
}

await GroupCommitSuite.RunAsync();
return 0;
