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

    /// <summary>Each step, a scenario that needs it, and whether the store keeps conditions.</summary>
    public static TheoryData<string, string, bool> Steps { get; } = new()
    {
        { nameof(SafetySteps.FencedPut), "index", true },
        { nameof(SafetySteps.FencedPut), "index", false },
        { nameof(SafetySteps.EndedRounds), "retag", true },
        { nameof(SafetySteps.EndedRounds), "retag", false },
        { nameof(SafetySteps.CachesForget), "server", true },
        { nameof(SafetySteps.Marker), "retag", true },
        { nameof(SafetySteps.LookAfterMarker), "drop and push", true },
        { nameof(SafetySteps.OwnKey), "digest", true },
        { nameof(SafetySteps.OwnTag), "drop and push", true },
        { nameof(SafetySteps.WaitWhileDeleting), "retag", true },
        { nameof(SafetySteps.WaitWhileDeleting), "retag", false },
        { nameof(SafetySteps.FencedDelete), "retag index", true },
        { nameof(SafetySteps.FencedDelete), "retag index", false },
        { nameof(SafetySteps.CondemnedWait), "push", true },
        { nameof(SafetySteps.CondemnedWait), "push", false },
        { nameof(SafetySteps.SecondMark), "push", true },
        { nameof(SafetySteps.SecondMark), "push", false },
        { nameof(SafetySteps.SecondMarkFromAll), "digest", true },
        { nameof(SafetySteps.YoungStays), "digest", true },
        { nameof(SafetySteps.MarkersAfterDeleting), "digest", true },
        { nameof(SafetySteps.PartsOfMarked), "retag index", true },
        { nameof(SafetySteps.TargetOfMarkedTag), "drop and push", true },
        { nameof(SafetySteps.ParentsFirst), "drop and push", true },
        { nameof(SafetySteps.ReferrersStay), "referrer", true },
        { nameof(SafetySteps.CompareAndSwap), "digest", true },
        { nameof(SafetySteps.ReadBack), "digest", false },
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
    public void StepTakenOut_LosesDataWithinAThousandSchedules(string step, string scenario, bool conditions)
    {
        var without = SafetySteps.All with { };
        typeof(SafetySteps).GetProperty(step)!.SetValue(without, false);
        Assert.NotNull(Search(scenario, conditions, without, Few));
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
    private static string? Search(string scenario, bool conditions, SafetySteps steps, int schedules)
    {
        for (var seed = 0; seed < schedules; seed++)
        {
            var layout = Layouts[seed % Layouts.Length];
            var world = Scenario.Make(scenario, seed, layout, steps, conditions);
            if (world.Run() is { } wrong)
                return $"{scenario}, {layout}, conditions {conditions}, seed {seed}: {wrong}\n{string.Join('\n', world.Scheduler.Trace)}";
        }
        return null;
    }
}
