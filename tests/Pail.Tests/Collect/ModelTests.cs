using Pail.Buckets.Collecting;
using Pail.Tests.Collect.Model;

namespace Pail.Tests.Collect;

/// <summary>
/// The protocol of docs/gc.md on its own, as an explicit-state model: every schedule of small cases, where <see cref="ScheduleTests"/> runs the code in many
/// schedules of larger ones. And each step taken out gives a schedule that loses something.
/// </summary>
public sealed class ModelTests
{
    // Objects: a layer, an image of it, and an index of that image or another image of the layer.
    private const int Layer = 0, Image = 1, Other = 2;

    private static readonly Job Push = new(Needs: 1 << Layer, Has: 1 << Layer, Puts: Other, Tag: 0, Names: Other);
    private static readonly Job PushByDigest = Push with { Tag = -1 };
    private static readonly int[] Images = [0, 1 << Layer, 1 << Layer], ImageAlone = [0, 1 << Layer], WithIndex = [0, 1 << Layer, 1 << Image];

    private static readonly Dictionary<string, Case> Cases = new()
    {
        ["push"] = new(Images, 0b011, [-1], Push),
        ["push by digest"] = new(Images, 0b011, [-1], PushByDigest),
        ["push again by digest"] = new(ImageAlone, 0b11, [-1], new Job(1 << Layer, 1 << Layer, Image, -1, Image)),
        ["retag"] = new(ImageAlone, 0b11, [-1], Retag(Image, 0)),
        ["retag an index"] = new(WithIndex, 0b111, [-1], Retag(Other, 0)),
        ["push an index"] = new(WithIndex, 0b011, [-1], new Job(1 << Image, 0, Other, 0, Other)),
        ["attach"] = new([0, 0, 1 << Layer], 0b011, [Image], PushByDigest) { Refers = (Other, Image) },
        ["attach, tag removed"] = new([0, 1 << Layer, 1 << Layer], 0b011, [Image], PushByDigest) { Refers = (Other, Image), Removed = 0 },
        ["undelete"] = new(ImageAlone, 0b11, [Image, -1], Retag(Image, 1)) { Removed = 0 },
        ["retention and push"] = new(Images, 0b011, [Image], Push) { TagsGo = true },
        ["retention and retag"] = new(ImageAlone, 0b11, [Image], Retag(Image, 0)) { TagsGo = true },
        ["retention and another tag"] = new(ImageAlone, 0b11, [Image, -1], Retag(Image, 1)) { TagsGo = true },
        ["two collectors"] = new(ImageAlone, 0b11, [-1], Retag(Image, 0)) { Collectors = 2 },
    };

    // Millions of moments each.
    private static readonly string[] Large = ["retention and push", "two collectors"];

    // Steps that only the form with conditional writes has, those that only the other has, and those that are not the protocol's but the code's.
    private static readonly string[] OfTwoPhases =
        [nameof(SafetySteps.Marker), nameof(SafetySteps.LookAfterMarker), nameof(SafetySteps.MarkersAfterDeleting), nameof(SafetySteps.PartsOfMarked), nameof(SafetySteps.TargetOfMarkedTag), nameof(SafetySteps.CompareAndSwap)];
    private static readonly string[] OfOnePhase = [nameof(SafetySteps.ReadBack), nameof(SafetySteps.FencedSweep)];
    private static readonly string[] OfTheCode = [nameof(SafetySteps.CachesForget), nameof(SafetySteps.SinceLook)];

    public static TheoryData<string, bool> Small { get; } = [.. from name in Cases.Keys.Except(Large) from conditions in new[] { true, false } select (name, conditions)];

    public static TheoryData<string, bool> Others { get; } = [.. from name in Large from conditions in new[] { true, false } select (name, conditions)];

    public static TheoryData<string, bool> Steps { get; } =
    [
        .. from step in typeof(SafetySteps).GetProperties().Where(step => step.PropertyType == typeof(bool)).Select(step => step.Name).Except(OfTheCode)
           from conditions in new[] { true, false }
           where !(conditions ? OfOnePhase : OfTwoPhases).Contains(step)
           select (step, conditions),
    ];

    [Theory]
    [Trait("Needs", "Time")]
    [MemberData(nameof(Small))]
    public void EverySchedule_LosesNothing(string name, bool conditions) => AssertHolds(Cases[name] with { Conditions = conditions });

    [Theory]
    [Trait("Category", "Long")]
    [MemberData(nameof(Others))]
    public void EveryScheduleOfALargeCase_LosesNothing(string name, bool conditions) => AssertHolds(Cases[name] with { Conditions = conditions });

    [Theory]
    [Trait("Needs", "Time")]
    [MemberData(nameof(Steps))]
    public void StepTakenOut_LosesSomething(string step, bool conditions)
    {
        var without = SafetySteps.All with { };
        typeof(SafetySteps).GetProperty(step)!.SetValue(without, false);
        Assert.NotNull(Exploration.Of(Cases[CaseOf(step)] with { Conditions = conditions, Steps = without }).Loss);
    }

    // The smallest that needs it.
    private static string CaseOf(string step) => step switch
    {
        nameof(SafetySteps.YoungStays) => "push by digest",
        nameof(SafetySteps.ReferrersStay) => "attach",
        nameof(SafetySteps.PartsOfMarked) => "retag",
        nameof(SafetySteps.OwnTag) or nameof(SafetySteps.TargetOfMarkedTag) => "retention and push",
        _ => "push",
    };

    private static void AssertHolds(Case of)
    {
        var explored = Exploration.Of(of);
        Assert.True(explored.Loss is null, explored.Loss);
        // It covers what it is about: garbage goes, and each writer is acknowledged.
        Assert.NotEqual(0, explored.Collected);
        Assert.Equal((1 << of.Jobs.Length) - 1, explored.Acknowledged);
    }

    private static Job Retag(int image, int tag) => new(1 << image, 0, -1, tag, image);
}
