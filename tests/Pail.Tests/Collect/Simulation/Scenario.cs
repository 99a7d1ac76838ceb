using Pail.Buckets.Collecting;
using Pail.Buckets.Layouts;

namespace Pail.Tests.Collect.Simulation;

/// <summary>Those who work on a bucket at the same time.</summary>
internal static class Scenario
{
    /// <summary>All scenarios, by name.</summary>
    public static IReadOnlyDictionary<string, Action<World>> All { get; } = new Dictionary<string, Action<World>>
    {
        // A new image of a layer that only a condemned one has.
        ["push"] = world =>
        {
            world.Have(world.Layer, world.Image("old"));
            world.Scheduler.Add("push", () => world.PushAsync("push", "t", world.Image("new")));
        },
        // An image that no tag leads to gets one, by its digest.
        ["retag"] = world =>
        {
            var old = world.Image("old");
            world.Have(world.Layer, old);
            world.Scheduler.Add("retag", () => world.UseAsync("retag", old.Digest, null, "t"));
        },
        // An index names an image that is there.
        ["index"] = world =>
        {
            var old = world.Image("old");
            world.Have(world.Layer, old);
            world.Scheduler.Add("index", () => world.UseAsync("index", old.Digest, world.Index(old), "t"));
        },
        // An index that no tag leads to gets one.
        ["retag index"] = world =>
        {
            var old = world.Image("old");
            world.Have(world.Layer, old, world.Index(old));
            world.Scheduler.Add("retag", () => world.UseAsync("retag", world.Index(old).Digest, null, "t"));
        },
        // A signature of an image that stays, and of one whose tag goes.
        ["referrer"] = world =>
        {
            var (old, gone) = (world.Image("old"), world.Image("gone"));
            world.Have(world.Layer, old, ("kept", old), gone, ("gone", gone));
            world.Untagged.Add("gone");
            world.Kept.Add(old.Digest);
            world.Scheduler.Add("sign", () => world.UseAsync("sign", old.Digest, world.Image("signature", old.Descriptor), null));
            world.Scheduler.Add("sign gone", () => world.UseAsync("sign gone", gone.Digest, world.Image("other signature", gone.Descriptor), null));
            world.Scheduler.Add("untag", () => world.UntagAsync("untag", "gone"));
        },
        // A tag goes, and its image gets another.
        ["undelete"] = world =>
        {
            var old = world.Image("old");
            world.Have(world.Layer, old, ("gone", old));
            world.Untagged.Add("gone");
            world.Scheduler.Add("untag", () => world.UntagAsync("untag", "gone"));
            world.Scheduler.Add("retag", () => world.UseAsync("retag", old.Digest, null, "t"));
        },
        // The same beside other garbage, so that one collector may list what another does not.
        ["undelete beside garbage"] = world =>
        {
            var (old, garbage) = (world.Image("old"), world.Image("garbage", null, world.Blob("other layer")));
            world.Have(world.Layer, world.Blob("other layer"), old, ("gone", old), garbage);
            world.Untagged.Add("gone");
            world.Scheduler.Add("untag", () => world.UntagAsync("untag", "gone"));
            world.Scheduler.Add("retag", () => world.UseAsync("retag", old.Digest, null, "t"));
        },
        // By digest alone: new, and one that is there.
        ["digest"] = world =>
        {
            world.Have(world.Layer, world.Image("old"));
            world.Scheduler.Add("push", () => world.PushAsync("push", null, world.Image("new")));
            world.Scheduler.Add("again", () => world.PushAsync("again", null, world.Image("old")));
        },
        // Several by digest, so that no two collectors list the same.
        ["digests"] = world =>
        {
            var (old, other) = (world.Image("old"), world.Image("other", null, world.Blob("other layer")));
            world.Have(world.Layer, world.Blob("other layer"), old, other);
            world.Scheduler.Add("push", () => world.PushAsync("push", null, world.Image("new")));
            world.Scheduler.Add("again", () => world.PushAsync("again", null, old));
            world.Scheduler.Add("other again", () => world.PushAsync("other again", null, other));
        },
        // By digest first, and a tag afterwards.
        ["push, then tag"] = world =>
        {
            var image = world.Image("new");
            world.Have(world.Layer, world.Image("old"));
            world.Scheduler.Add("push", async () =>
            {
                await world.PushAsync("push", null, image);
                await world.UseAsync("push", image.Digest, null, "t");
            });
        },
        // Two at once, one of which tags what the other has put.
        ["push and follow"] = world =>
        {
            var image = world.Image("new");
            world.Have(world.Layer, world.Image("old"));
            world.Scheduler.Add("push", () => world.PushAsync("push", "t", image));
            world.Scheduler.Add("follow", () => world.UseAsync("follow", image.Digest, null, "u"));
        },
        // A server that saw a layer before a round, and believes in it after.
        ["server"] = world =>
        {
            var (first, second) = (world.Image("first"), world.Image("second"));
            world.Have(world.Layer, world.Image("old"));
            world.Untagged.Add("t");
            world.Scheduler.Add("server", () => world.ServeAsync("server", ("t", first), ("u", second), ("v", first)));
            world.Scheduler.Add("untag", () => world.UntagAsync("untag", "t"));
        },
        // A tag moves, and what it named gets another.
        ["move and roll back"] = world =>
        {
            var old = world.Image("old");
            world.Have(world.Layer, old, ("t", old));
            world.Scheduler.Add("push", () => world.PushAsync("push", "t", world.Image("new")));
            world.Scheduler.Add("roll back", () => world.UseAsync("roll back", old.Digest, null, "u"));
        },
        // Retention drops a tag that is pushed again at the same time: the same image, or a new one, or its image gets another tag.
        ["drop and push again"] = world =>
        {
            var old = world.Image("old");
            world.Have(world.Layer, old, ("t", old));
            world.Drop("t");
            world.Scheduler.Add("push", () => world.PushAsync("push", "t", old));
        },
        ["drop and push"] = world =>
        {
            var old = world.Image("old");
            world.Have(world.Layer, old, ("t", old));
            world.Drop("t");
            world.Scheduler.Add("push", () => world.PushAsync("push", "t", world.Image("new")));
        },
        ["drop and retag"] = world =>
        {
            var old = world.Image("old");
            world.Have(world.Layer, old, ("t", old));
            world.Drop("t");
            world.Scheduler.Add("retag", () => world.UseAsync("retag", old.Digest, null, "u"));
        },
    };

    /// <summary>Makes a scenario with two collectors that may die.</summary>
    public static World Make(string name, int seed, LayoutKind layout, SafetySteps steps, bool conditions = true, int naps = 8)
    {
        var world = new World(seed, layout, steps, conditions, naps: naps);
        All[name](world);
        world.Scheduler.Add("collector", () => world.CollectAsync("collector", 2), mayDie: true);
        if (seed % 2 == 0)
            world.Scheduler.Add("other collector", () => world.CollectAsync("other collector", 1), mayDie: true);
        return world;
    }
}
