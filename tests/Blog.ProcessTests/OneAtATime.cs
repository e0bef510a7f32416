using Xunit;

// Each test has the machine to itself: several processes under load are as much as two cores take, and what a test shows about waits
// would be about its neighbours.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
