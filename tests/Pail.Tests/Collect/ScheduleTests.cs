using Pail.Buckets.Collecting;
using Pail.Buckets.Layouts;
using Pail.Tests.Collect.Simulation;

namespace Pail.Tests.Collect;

/// <summary>
/// Pushers, deleters and collectors at every request in any order, with sleep, death, lost answers and late effects: no manifest that is there
/// ever lacks a part, what was acknowledged stays, garbage goes. And each step of docs/gc.md taken out loses data.
/// </summary>
public sealed class ScheduleTests
{
    private const int Schedules = 1000;

    public static TheoryData<string, LayoutKind> Cases { get; } = [.. from name in Scenario.All.Keys from layout in Enum.GetValues<LayoutKind>() select (name, layout)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Schedules_OfAll_LoseNothing(string scenario, LayoutKind layout) => Hold(scenario, layout, Schedules / Cases.Count);

    [Theory]
    [Trait("Category", "Long")]
    [MemberData(nameof(Cases))]
    public void Schedules_OfAll_Many_LoseNothing(string scenario, LayoutKind layout) => Hold(scenario, layout, 100_000 / Cases.Count);

    private static void Hold(string scenario, LayoutKind layout, int schedules)
    {
        for (var seed = 0; seed < schedules; seed++)
        {
            var world = Scenario.Make(scenario, seed, layout, SafetySteps.All);
            if (world.Run() is { } wrong)
                Assert.Fail($"{scenario}, {layout}, seed {seed}: {wrong}\n{string.Join('\n', world.Scheduler.Trace)}");
        }
    }
}
