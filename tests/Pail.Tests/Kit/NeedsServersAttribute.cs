using Xunit.v3;

namespace Pail.Tests.Kit;

/// <summary>
/// Marks tests that use what <c>./test</c> installs and starts: servers, engines, clients, and any program run as a child process.
/// <c>./test unit</c> leaves them out. What uses such a thing without this mark fails, everywhere.
/// </summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
public sealed class NeedsServersAttribute : Attribute, ITraitAttribute
{
    private const string Name = "Needs", Value = "Servers";

    // Set by `./test mutate`, whose runner can't choose tests by a trait.
    private static readonly bool Skips = Environment.GetEnvironmentVariable("PAIL_TEST_UNIT") == "1";

    /// <inheritdoc/>
    public IReadOnlyCollection<KeyValuePair<string, string>> GetTraits() => [new(Name, Value)];

    /// <summary>Fails if the running test is not marked. What sets a test up calls it before it uses anything.</summary>
    /// <param name="what">What it uses.</param>
    internal static void Check(string what)
    {
        var context = TestContext.Current;
        var traits = context.Test?.Traits ?? context.TestCase?.Traits ?? context.TestMethod?.Traits ?? context.TestClass?.Traits;
        if (traits is not null && !(traits.TryGetValue(Name, out var values) && values.Contains(Value)))
            throw new InvalidOperationException($"{context.TestClass?.TestClassName} uses {what}: mark it, or its test, with [NeedsServers], so that ./test unit leaves it out.");
        if (Skips && traits is not null)
            Assert.Skip("Only tests without servers are run.");
    }
}
