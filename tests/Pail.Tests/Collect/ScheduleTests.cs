using Pail.Buckets.Collecting;
using Pail.Buckets.Layouts;
using Pail.Tests.Collect.Simulation;

namespace Pail.Tests.Collect;

/// <summary>
/// Pushers, deleters, retention and collectors at every request in any order, with sleep, death, lost answers and late effects: no manifest that is
/// there ever lacks a part, what was acknowledged stays, garbage goes. And each step of docs/gc.md taken out of the code loses data.
/// </summary>
public sealed class ScheduleTests
{
    private const int Few = 1000, Many = 100_000;

    private static readonly LayoutKind[] Layouts = Enum.GetValues<LayoutKind>();

    public static TheoryData<string, bool> Cases { get; } = [.. from name in Scenario.All.Keys from conditions in new[] { true, false } select (name, conditions)];

    /// <summary>Each step, scenarios that need it, whether the store keeps conditions, and how often it is slept before the register is written (one in so many).</summary>
    public static TheoryData<string, string, bool, int> Steps { get; } = new()
    {
        { nameof(SafetySteps.FencedPut), "index", true, 8 },
        { nameof(SafetySteps.FencedPut), "index", false, 8 },
        { nameof(SafetySteps.EndedRounds), "retag", true, 8 },
        { nameof(SafetySteps.EndedRounds), "retag", false, 8 },
        { nameof(SafetySteps.CachesForget), "server", true, 8 },
        { nameof(SafetySteps.Marker), "retag", true, 8 },
        { nameof(SafetySteps.LookAfterMarker), "digest|drop and push|retag", true, 8 },
        { nameof(SafetySteps.OwnKey), "digest", true, 8 },
        { nameof(SafetySteps.OwnTag), "drop and push", true, 8 },
        { nameof(SafetySteps.WaitWhileDeleting), "retag", true, 8 },
        { nameof(SafetySteps.WaitWhileDeleting), "retag", false, 8 },
        { nameof(SafetySteps.FencedDelete), "retag index", true, 8 },
        { nameof(SafetySteps.FencedDelete), "retag index", false, 8 },
        { nameof(SafetySteps.CondemnedWait), "push", true, 8 },
        { nameof(SafetySteps.CondemnedWait), "push", false, 8 },
        { nameof(SafetySteps.SecondMark), "push", true, 8 },
        { nameof(SafetySteps.SecondMark), "push", false, 8 },
        { nameof(SafetySteps.SecondMarkFromAll), "digest", true, 8 },
        { nameof(SafetySteps.YoungStays), "digest", true, 8 },
        { nameof(SafetySteps.SinceLook), "digest", true, 8 },
        { nameof(SafetySteps.MarkersAfterDeleting), "digest|digests|move and roll back", true, 8 },
        { nameof(SafetySteps.PartsOfMarked), "retag index", true, 8 },
        { nameof(SafetySteps.TargetOfMarkedTag), "drop and push", true, 8 },
        { nameof(SafetySteps.ParentsFirst), "drop and push", true, 8 },
        { nameof(SafetySteps.ReferrersStay), "referrer", true, 8 },
        { nameof(SafetySteps.ClearWait), "digests|digest|push and follow|push, then tag", false, 8 },
        { nameof(SafetySteps.CompareAndSwap), "digest", true, 8 },
        { nameof(SafetySteps.ReadBack), "digest|digests|push, then tag", false, 8 },
        { nameof(SafetySteps.FencedSweep), "digest|digests|undelete beside garbage|push, then tag", false, 3 },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void AnySchedule_LosesNothing(string scenario, bool conditions) => Assert.Null(Search(scenario, conditions, SafetySteps.All, Few / Cases.Count));

    [Theory]
    [Trait("Category", "Long")]
    [MemberData(nameof(Cases))]
    public void AnyOfManySchedules_LosesNothing(string scenario, bool conditions) => Assert.Null(Search(scenario, conditions, SafetySteps.All, Many / Cases.Count));

    [Theory]
    [MemberData(nameof(Steps))]
    public void StepTakenOut_LosesDataWithinAThousandSchedules(string step, string scenario, bool conditions, int naps)
    {
        var without = SafetySteps.All with { };
        typeof(SafetySteps).GetProperty(step)!.SetValue(without, false);
        // Where a loss is rare, what any actor asks decides which of several scenarios has it.
        Assert.Contains(scenario.Split('|'), name => Search(name, conditions, without, Few, naps) is not null);
    }

    [Theory]
    [InlineData(LayoutKind.V2, true)]
    [InlineData(LayoutKind.V2, false)]
    [InlineData(LayoutKind.Pool, true)]
    [InlineData(LayoutKind.Pool, false)]
    public void CollectorThatDiesAtAnyRequest_IsFollowedByOneThatFinishes(LayoutKind layout, bool conditions)
    {
        var least = 0;
        foreach (var after in new[] { false, true })
            for (var request = 0; ; request++)
            {
                var world = new World(0, layout, SafetySteps.All, conditions, ("collector", request, after));
                var (kept, gone, index) = (world.Image("kept"), world.Image("gone", null, world.Blob("other layer")), world.Image("child"));
                world.Have(world.Layer, world.Blob("other layer"), kept, ("t", kept), gone, index, world.Index(index));
                world.Scheduler.Add("collector", () => world.CollectAsync("collector", 1));
                Assert.Null(world.Run());
                if (world.Scheduler.RequestsOf("collector") <= request)
                    break;
                least = request;
            }
        Assert.InRange(least, 15, 500);
    }

    // The first schedule that goes wrong, with what happened in it; null if none does.
    private static string? Search(string scenario, bool conditions, SafetySteps steps, int schedules, int naps = 8)
    {
        for (var seed = 0; seed < schedules; seed++)
        {
            // Not in step with whether there is a second collector.
            var layout = Layouts[seed / 2 % Layouts.Length];
            var world = Scenario.Make(scenario, seed, layout, steps, conditions, naps);
            if (world.Run() is { } wrong)
                return $"{scenario}, {layout}, conditions {conditions}, seed {seed}: {wrong}\n{string.Join('\n', world.Scheduler.Trace)}";
        }
        return null;
    }
}
