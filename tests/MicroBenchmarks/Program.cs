using BenchmarkDotNet.Running;
using MicroBenchmarks;

// In this process: a project that BenchmarkDotNet generates would be built under this repository's rules, analysers and pinned versions.
BenchmarkSwitcher.FromAssembly(typeof(EventBenchmarks).Assembly).Run([.. args, "--inProcess"]);
