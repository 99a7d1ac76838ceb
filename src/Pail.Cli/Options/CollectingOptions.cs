using System.CommandLine;
using Pail.Buckets.Collecting;
using Pail.Collect;

namespace Pail.Cli.Options;

/// <summary>How garbage is collected, for the verbs that do.</summary>
internal sealed class CollectingOptions
{
    private readonly Option<bool> _dryRun = new("--dry-run") { Description = "Tell what would be removed, and remove nothing" };
    private readonly Option<TimeSpan?> _grace = DurationOption.Create("--grace", "What is younger stays, whether or not something needs it [default: 1h]");
    private readonly Option<TimeSpan?> _untagged = DurationOption.Create("--untagged-after", "Manifests that no tag, no history and no image leads to are garbage when they are older [default: they stay, since people pull by digest]");
    private readonly Option<TimeSpan?> _uploads = DurationOption.Create("--uploads-after", "What unfinished uploads left is removed when it is older [default: 2d]", TimeSpan.FromMinutes(1));
    private readonly Option<TimeSpan?> _pace = DurationOption.Create("--pace", "For the first collection of a bucket: how long a push may take from its last look at the bucket to its last write. Each collection waits about twice as long [default: 90s]", TimeSpan.FromSeconds(CollectPace.Least));
    private readonly Option<bool> _alone = new("--alone") { Description = "For the first collection of a bucket: nobody else writes to it now, so it needs no wait for pushes that began before" };

    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { _dryRun, _grace, _untagged, _uploads, _pace, _alone })
            command.Add(option);
    }

    public CollectOptions Read(VerbRun session)
    {
        var defaults = new CollectOptions();
        return defaults with
        {
            DryRun = session.Get(_dryRun),
            Grace = session.Get(_grace) ?? defaults.Grace,
            UntaggedAfter = session.Get(_untagged),
            UploadsAfter = session.Get(_uploads) ?? defaults.UploadsAfter,
            Pace = (int)(session.Get(_pace)?.TotalSeconds ?? CollectPace.Usual),
            Alone = session.Get(_alone),
        };
    }
}
