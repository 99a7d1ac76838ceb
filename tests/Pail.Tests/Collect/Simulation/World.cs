using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Pail.Buckets;
using Pail.Buckets.Collecting;
using Pail.Buckets.Layouts;
using Pail.Collect;
using Pail.Io;
using Pail.Oci;
using Pail.Server;
using Pail.Server.Manifests;
using Pail.Stores;
using Pail.Transfer;

namespace Pail.Tests.Collect.Simulation;

/// <summary>A bucket, those who work on it, and what must hold whatever they do.</summary>
internal sealed class World
{
    public static readonly RepositoryName App = RepositoryName.Parse("app");

    private readonly SimBucket _bucket;
    private readonly BucketSettings _settings;
    private readonly SafetySteps _steps;
    private readonly bool _conditions;
    private readonly Dictionary<Digest, Manifest> _manifests = [];
    private readonly Dictionary<string, (string Round, DateTimeOffset? Written)> _acknowledged = [];
    private readonly HashSet<string> _tagged = [];
    private readonly HashSet<string> _signatures = [];
    private readonly Dictionary<Digest, string> _names = [];

    public World(int seed, LayoutKind layout, SafetySteps steps, bool conditions = true, (string Actor, int Request, bool After)? death = null, int naps = 8)
    {
        Pace = new(18);
        Scheduler = death is null ? new(seed, Pace, losses: 1, deaths: 1) { Check = Check, RegisterNaps = naps } : new(seed, Pace, losses: 0, deaths: 0, calm: true) { Check = Check, Death = death };
        _bucket = new(Scheduler.Time);
        _settings = new(layout, Public: false) { Collect = Pace, Conditions = conditions ? WriteConditions.Both : WriteConditions.Neither };
        (_steps, _conditions) = (steps, conditions);
        Layer = Blob("layer");
    }

    public Scheduler Scheduler { get; }

    public CollectPace Pace { get; }

    /// <summary>A layer of more than 64 KiB: smaller ones are sent without a look whether they are there.</summary>
    public Descriptor Layer { get; }

    public CollectOptions Options { get; set; } = new() { Grace = TimeSpan.Zero, UntaggedAfter = TimeSpan.Zero, UploadsAfter = TimeSpan.FromDays(9), AtOnce = 1, HistoryKeep = TimeSpan.Zero };

    private BucketLayout Layout => BucketLayout.Of(_settings.Layout);

    private CollectState Register => _bucket.Objects.TryGetValue(CollectState.Key, out var there) ? CollectState.Parse(there.Bytes) : CollectState.None;

    /// <summary>The bucket as a process sees it, with a memory of its own.</summary>
    public Bucket Open(string actor)
    {
        var engine = new TransferEngine(new TransferOptions { Retry = new RetryOptions { FirstDelay = TimeSpan.Zero, LongestDelay = TimeSpan.Zero } }, Scheduler.Time);
        return new(new SimStore(Scheduler, _bucket, actor, _conditions), engine, _settings) { Steps = _steps };
    }

    public Descriptor Blob(string name)
    {
        var bytes = Content(name);
        var digest = Digest.Of(bytes);
        _names[digest] = name;
        return new(MediaTypes.OciLayerGzip, digest, bytes.Length);
    }

    public Manifest Image(string name, Descriptor? subject = null, params Descriptor[] layers) => Manifest($$"""
        {"schemaVersion":2,"mediaType":"{{MediaTypes.OciManifest}}","config":{"mediaType":"{{MediaTypes.OciEmpty}}","digest":"{{Layer.Digest}}","size":{{Layer.Size}}},"layers":[{{string.Join(',', layers.Append(Layer).Select(Json))}}],"annotations":{"name":"{{name}}"}{{(subject is null ? "" : $",\"subject\":{Json(subject)}")}}}
        """);

    public Manifest Index(params Manifest[] children) => Manifest($$"""{"schemaVersion":2,"mediaType":"{{MediaTypes.OciIndex}}","manifests":[{{string.Join(',', children.Select(child => Json(child.Descriptor)))}}]}""");

    /// <summary>What is there before anybody begins, an hour ago.</summary>
    public void Have(params object[] content)
    {
        foreach (var item in content)
            switch (item)
            {
                case Descriptor blob:
                    Put(Layout.BlobKey(App, blob.Digest), Content(_names[blob.Digest]), Layout.BlobHeaders);
                    break;
                case Manifest manifest:
                    Put(Layout.ManifestKey(App, Reference.Of(manifest.Digest)), manifest.Bytes.ToArray(), BucketLayout.ManifestHeaders(manifest, Reference.Of(manifest.Digest)));
                    break;
                case (string tag, Manifest manifest):
                    Put(Layout.ManifestKey(App, Reference.Parse(tag)), manifest.Bytes.ToArray(), BucketLayout.ManifestHeaders(manifest, Reference.Parse(tag)));
                    break;
            }

        void Put(string key, byte[] bytes, ObjectHeaders headers) => _bucket.Put(key, bytes, headers, PutCondition.None, conditions: true);
    }

    /// <summary>Runs the schedule, then a last collection alone. Returns what went wrong; null if nothing did.</summary>
    public string? Run()
    {
        Scheduler.Time.Advance(Scheduler.Time.Elapsed + TimeSpan.FromHours(1));
        if (Scheduler.Run() is { } wrong)
            return wrong;
        Scheduler.EndFaults();
        Scheduler.Time.Advance(Scheduler.Time.Elapsed + TimeSpan.FromMinutes(10));
        Options = Options with { Drops = null };
        // Twice: the first may have to end what another began.
        Scheduler.Add("last", () => CollectAsync("last", 2));
        return Scheduler.Run() ?? Left();
    }

    /// <summary>A push by the command line: everything is looked for, and sent if it is not there.</summary>
    public async Task PushAsync(string actor, string? tag, Manifest image, params Manifest[] children)
    {
        var bucket = Open(actor);
        await using var sink = new BucketSink(bucket.Repository(App), tag is null ? Reference.Of(image.Digest) : Reference.Parse(tag));
        if (await sink.HasRootAsync(image, default))
        {
            // Nothing was written: it is as if it was pushed when it was looked for, and retention may have begun since.
            if (tag is not null && Dropped.Contains(tag))
                return;
        }
        else
        {
            foreach (var manifest in children.Append(image))
            {
                foreach (var blob in manifest.Blobs)
                    await sink.PutBlobAsync(blob, (_, _) => Task.FromResult<Stream>(new MemoryStream(Content(_names[blob.Digest]))), NoProgress.Instance, default);
                if (manifest != image && !await sink.HasManifestAsync(manifest, default))
                    await sink.PutManifestAsync(manifest, default);
            }
            await sink.CommitAsync(image, isStored: await sink.HasManifestAsync(image, default), default);
        }
        Acknowledge(image.Digest, tag);
    }

    /// <summary>A manifest that is there gets a tag, or what names it is pushed: nothing is sent that is not there.</summary>
    public async Task UseAsync(string actor, Digest there, Manifest? made, string? tag)
    {
        var bucket = Open(actor);
        for (var tries = 0; tries < 20; tries++)
        {
            var repository = bucket.Repository(App);
            try
            {
                await repository.BeginAsync(default);
                if (await repository.Manifests.GetAsync(Reference.Of(there)) is not { } found)
                    return;
                if (made is not null)
                    await repository.Manifests.PutAsync(made);
                if (tag is not null)
                    await repository.Tags.PutAsync(made ?? found, tag);
                Acknowledge((made ?? found).Digest, tag);
                return;
            }
            catch (CollectedException)
            {
            }
        }
    }

    /// <summary>Pushes through one server, which remembers what it has seen for an hour.</summary>
    public async Task ServeAsync(string actor, params (string Tag, Manifest Image)[] pushes)
    {
        var services = new RegistryServices(new ServerOptions { DigestLifetime = TimeSpan.FromHours(1) }, Open(actor), NullLogger.Instance, Scheduler.Time);
        var manifests = new ManifestPushes(services);
        foreach (var (tag, image) in pushes)
        {
            foreach (var blob in image.Blobs)
            {
                await services.BeginAsync(App, new DefaultHttpContext());
                if (services.Blobs.IsThere(App, blob.Digest, out _))
                    continue;
                var (removals, round, blobs) = (services.Blobs.Removals, services.Blobs.Round, services.Bucket.Repository(App).Blobs);
                if (await blobs.FindAsync(blob.Digest) is { } found)
                {
                    services.Blobs.Found(App, blob.Digest, found.Size, removals);
                    continue;
                }
                await blobs.PutVerifiedAsync(blob, new(Content(_names[blob.Digest])));
                services.Blobs.RecordStored(App, blob.Digest, blob.Size, round);
            }
            var context = new DefaultHttpContext();
            context.Request.Body = new MemoryStream(image.Bytes.ToArray());
            context.Request.ContentType = image.MediaType;
            // A client that is told that a layer is missing gives up.
            if (await manifests.PutAsync(context, new(App, Reference.Parse(tag))) is null)
                Acknowledge(image.Digest, tag);
        }
    }

    public async Task CollectAsync(string actor, int rounds)
    {
        for (var round = 0; round < rounds; round++)
            await new Collector(Open(actor), Options).RunAsync();
    }

    public async Task UntagAsync(string actor, string tag) => await Open(actor).Repository(App).Tags.DeleteAsync(tag);

    private void Acknowledge(Digest digest, string? tag)
    {
        var key = Layout.ManifestKey(App, tag is null ? Reference.Of(digest) : Reference.Parse(tag));
        if (tag is not null && !Dropped.Contains(tag))
            _tagged.Add(tag);
        else
            _acknowledged[key] = (Register.By, _bucket.Objects.GetValueOrDefault(key)?.Info.Modified);
        if (_manifests[digest].Subject is { Digest: var subject } && Kept.Contains(subject))
            _signatures.Add(Layout.ManifestKey(App, Reference.Of(digest)));
    }

    // What must hold after every effect.
    private string? Check()
    {
        var register = Register;
        foreach (var (key, there) in _bucket.Objects)
        {
            var (kind, _, digest, _) = Layout.Read(key);
            var manifest = kind == KeyKind.Tag ? _manifests.GetValueOrDefault(Digest.Of(there.Bytes)) : digest is { } named ? _manifests.GetValueOrDefault(named) : null;
            if (manifest is null || (register.IsRemoving && register.Keys.Contains(key)))
                continue;
            var parts = PartsOf(manifest).Concat(kind == KeyKind.Tag ? [Layout.ManifestKey(App, Reference.Of(manifest.Digest))] : []);
            if (parts.FirstOrDefault(part => !_bucket.Objects.ContainsKey(part)) is { } missing)
                return $"{key} is there, and {missing} is not";
        }
        foreach (var (key, (round, written)) in _acknowledged)
            if (!_bucket.Objects.ContainsKey(key) && (register.By == round || written >= register.Looked))
                return $"{key} was acknowledged in a round, and collected in it, or by a look that was before";
        if (_signatures.FirstOrDefault(key => !_bucket.Objects.ContainsKey(key)) is { } signature)
            return $"{signature} refers to an image that stays, was acknowledged, and is gone";
        return _tagged.Where(tag => !Untagged.Contains(tag)).FirstOrDefault(tag => !_bucket.Objects.ContainsKey(Layout.ManifestKey(App, Reference.Parse(tag)))) is { } gone
            ? $"the tag {gone} was acknowledged, and is gone"
            : null;
    }

    /// <summary>Tags that somebody removes.</summary>
    public HashSet<string> Untagged { get; } = [];

    /// <summary>Tags that retention drops: after that they may be pushed again.</summary>
    public HashSet<string> Dropped { get; } = [];

    /// <summary>Images whose tags stay.</summary>
    public HashSet<Digest> Kept { get; } = [];

    /// <summary>Lets retention drop a tag.</summary>
    public void Drop(string tag)
    {
        Dropped.Add(tag);
        Options = Options with { Drops = map => map.Nodes.Where(node => Layout.Read(node.Key).Tag is { } name && Dropped.Contains(name)).ToHashSet() };
    }

    private IEnumerable<string> PartsOf(Manifest manifest) => manifest.Blobs.Select(blob => Layout.BlobKey(App, blob.Digest))
        .Concat(manifest.Manifests.Select(child => Layout.ManifestKey(App, Reference.Of(child.Digest))));

    // Garbage that the last collection left.
    private string? Left()
    {
        var live = new HashSet<string>();
        var open = new Stack<Manifest>(_bucket.Objects.Where(item => Layout.Read(item.Key).Kind == KeyKind.Tag).Select(item => _manifests[Digest.Of(item.Value.Bytes)]));
        var seen = new HashSet<Manifest>();
        while (open.TryPop(out var manifest))
        {
            if (!seen.Add(manifest))
                continue;
            live.Add(Layout.ManifestKey(App, Reference.Of(manifest.Digest)));
            live.UnionWith(PartsOf(manifest));
            foreach (var next in manifest.Manifests.Select(child => _manifests[child.Digest]).Concat(_manifests.Values.Where(other => other.Subject?.Digest == manifest.Digest)))
                open.Push(next);
        }
        return _bucket.Objects.Keys.FirstOrDefault(key => Layout.Read(key).Kind is KeyKind.Blob or KeyKind.Manifest && !live.Contains(key)) is { } left ? $"{left} is garbage, and was not collected" : null;
    }

    private Manifest Manifest(string json)
    {
        var manifest = global::Pail.Oci.Manifest.Parse(Encoding.UTF8.GetBytes(json));
        return _manifests[manifest.Digest] = manifest;
    }

    private static string Json(Descriptor descriptor) => $$"""{"mediaType":"{{descriptor.MediaType}}","digest":"{{descriptor.Digest}}","size":{{descriptor.Size}}}""";

    private static byte[] Content(string name) => Encoding.UTF8.GetBytes(name.PadRight(RepositoryBlobs.UnaskedLimit + 1));
}
