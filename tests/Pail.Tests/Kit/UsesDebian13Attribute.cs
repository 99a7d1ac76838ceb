using Xunit.Sdk;
using Xunit.v3;

[assembly: TestCollectionOrderer(typeof(Pail.Tests.Kit.Debian13Last))]

namespace Pail.Tests.Kit;

/// <summary>Marks classes with tests that need the root of Debian 13. They run after the others, because the root is made meanwhile.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class UsesDebian13Attribute : Attribute;

/// <summary>Runs the classes marked with <see cref="UsesDebian13Attribute"/> last, those of each part in random order.</summary>
internal sealed class Debian13Last : ITestCollectionOrderer
{
    // A collection is one class here, and only its name says which.
    private static readonly List<string> Marked =
        [.. typeof(Debian13Last).Assembly.GetTypes().Where(type => type.IsDefined(typeof(UsesDebian13Attribute), inherit: true)).Select(type => $" {type.FullName} ")];

    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection =>
        [.. DefaultTestCollectionOrderer.Instance.OrderTestCollections(testCollections)
            .OrderBy(collection => Marked.Exists(name => collection.TestCollectionDisplayName.Contains(name, StringComparison.Ordinal)))];
}
