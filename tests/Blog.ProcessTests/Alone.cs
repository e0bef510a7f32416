using Xunit;

namespace Blog.ProcessTests;

/// <summary>
/// Tests of how long something is waited for have the machine to themselves: several processes under load are as much as two cores
/// take, and what such a test shows would be about its neighbours.
/// </summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "alone";
}
