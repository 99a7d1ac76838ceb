using System.Collections.Concurrent;
using System.Reflection;
using Xunit.v3;

[assembly: Pail.Tests.Kit.HangGuard]

namespace Pail.Tests.Kit;

/// <summary>Cancels a test that hangs, so that it fails with its name instead of holding up all others. Not a measure of how long one may take.</summary>
[AttributeUsage(AttributeTargets.Assembly)]
internal sealed class HangGuardAttribute : BeforeAfterTestAttribute
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(20);
    private static readonly ConcurrentDictionary<string, Timer> Running = new();

    public override void Before(MethodInfo methodUnderTest, IXunitTest test)
    {
        if (test.Traits.TryGetValue("Category", out var categories) && categories.Contains("Long"))
            return;
        var context = TestContext.Current;
        Running[test.UniqueID] = new(_ => context.CancelCurrentTest(), null, Limit, Timeout.InfiniteTimeSpan);
    }

    public override void After(MethodInfo methodUnderTest, IXunitTest test)
    {
        if (Running.TryRemove(test.UniqueID, out var timer))
            timer.Dispose();
    }
}
