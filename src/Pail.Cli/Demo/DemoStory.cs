using System.Diagnostics;
using Pail.Buckets;
using Pail.Cli.Output;
using Pail.Copy;
using Pail.Io;
using Pail.Oci;
using Pail.Places;
using Pail.Stores;
using Pail.Stores.Folder;

namespace Pail.Cli.Demo;

/// <summary>What <c>pail demo --json</c> writes.</summary>
internal sealed record DemoResult(string Image, string Digest, IReadOnlyList<DemoObject> Objects, IReadOnlyList<PullStep> Requests, IReadOnlyList<EngineResult> Engines, CostReport PushOnS3, string? Folder);

/// <summary>An object of the demo's bucket.</summary>
internal sealed record DemoObject(string Key, string ContentType, long Size);

/// <summary>The demo: an image goes into a bucket, the bucket is served as plain files, and out comes the image.</summary>
/// <param name="lines">Where it is told.</param>
/// <param name="ink">Paint for it.</param>
/// <param name="width">How many characters a line takes.</param>
internal sealed class DemoStory(TextWriter lines, Ink ink, int width)
{
    // Media types written out want this much; on a narrower terminal the long ones are cut.
    private const int Wide = 92;

    private const string Repository = "hello";
    private const string Tag = "1.0";

    private int _step;

    public async Task<DemoResult> TellAsync(PlaceOpener places, string folder, bool keep, CancellationToken cancel)
    {
        lines.WriteLine(ink.Bold("Your bucket is the registry. An image goes in, and comes out of plain files."));

        await using var image = new DemoImage(PlatformChoice.Host.Architecture == "arm64" ? "arm64" : "amd64");
        Step("A small image");
        Line($"hello for linux/{image.Architecture}: one layer with one program of {image.Program.Length} bytes, made here.");

        var root = new BucketRoot.Folder(Path.Combine(folder, "bucket"));
        var store = places.OpenStore(root);
        FolderStore.Create(root.Directory);
        var bucket = await BucketSetup.RunAsync(store, places.Engine, null, open: true, cancel);
        var pushing = new RequestMeter();
        var (objects, seconds) = await PushAsync(places, store, bucket, image, pushing, cancel);
        Step($"Pushed into a bucket, in {seconds:0.00} s");
        Line("Here a folder stands for S3. Each key is the path a client will ask for:");
        lines.WriteLine();
        Columns.Write(lines, [.. objects.Select(item => new[] { Shorten(item.Key), $"{item.Size} B", Type(item.ContentType) })], new HashSet<int> { 1 }, indent: 3, (_, column, cell) => column == 0 ? cell : ink.Dim(cell));

        await using var server = PlainFileServer.Start(root.Directory);
        Step("Served by a web server that knows nothing of images");
        Line($"{ink.Cyan(server.Address.ToString())} takes a path and gives a file, as nginx or S3 do.");

        var pull = new DockerPull(server.Address, Repository, Tag);
        Step("Pulled by the requests docker makes");
        Line($"{ink.Green("✓")} stands where the content has the digest it is named by.");
        lines.WriteLine();
        try
        {
            await pull.RunAsync(cancel);
        }
        finally
        {
            WriteRequests(pull.Steps);
        }

        var name = $"{server.Address.Authority}/{Repository}:{Tag}";
        var before = server.Log.Count;
        var engines = await Engine.PullAllAsync(name, Path.Combine(folder, "skopeo"), cancel);
        var reached = server.Log.Count > before;
        WriteEngines(engines, name);

        Step("What the push would cost on S3");
        CostReport.Write(pushing, lines, ink);
        lines.WriteLine();
        lines.WriteLine(keep ? $"The bucket is in {root.Directory}." : ink.Dim("All of it was in a temporary folder, and is gone; --keep would keep it."));
        lines.WriteLine($"Now yours: {ink.Cyan("pail init s3://BUCKET --public")}, {ink.Cyan("pail push app:1.0 s3://BUCKET")}");
        lines.WriteLine($"           {ink.Dim("README.md goes on from here.")}");

        // An engine that cannot reach this machine's loopback shows nothing; one that reached it must have pulled.
        if (reached && engines.FirstOrDefault(engine => !engine.Pulled && server.Log.Skip(before).Any(request => request.Client.Contains(engine.Agent, StringComparison.OrdinalIgnoreCase))) is { } failed)
            throw new PailException(Failure.BadContent, $"{failed.Name} {failed.Outcome}");
        return new(name, image.Manifest.Digest.ToString(), objects, pull.Steps, engines, CostReport.Of(pushing), keep ? root.Directory : null);
    }

    private static async Task<(IReadOnlyList<DemoObject> Objects, double Seconds)> PushAsync(PlaceOpener places, IObjectStore store, Bucket bucket, DemoImage image, RequestMeter meter, CancellationToken cancel)
    {
        var clock = Stopwatch.StartNew();
        var before = new Dictionary<StoreOperation, long>(places.Meter.Counts);
        await using var sink = new BucketSink(bucket.Repository(RepositoryName.Parse(Repository)), Reference.Parse(Tag));
        await ImageCopy.RunAsync(image, sink, new CopyOptions(), NoProgress.Instance, cancel);
        var seconds = clock.Elapsed.TotalSeconds;
        foreach (var (operation, count) in places.Meter.Counts)
            for (var more = count - before.GetValueOrDefault(operation); more > 0; more--)
                meter.Count(operation);

        var objects = new List<DemoObject>();
        var page = await store.ListAsync(new ListQuery(""), cancel);
        foreach (var item in page.Objects)
            objects.Add(new(item.Key, (await store.HeadAsync(item.Key, cancel))?.ContentType ?? "", item.Size));
        return (objects, seconds);
    }

    private void WriteRequests(IReadOnlyList<PullStep> steps) => Columns.Write(
        lines,
        [.. steps.Select(step => new[] { step.Method, Shorten(step.Path), $"{step.Status}{step.Checked switch { null => "", "digest" => " ✓", _ => " ✗" }}", Type(step.ContentType ?? "") })],
        indent: 2,
        paint: (row, column, cell) => column switch
        {
            2 => steps[row] is { Status: 200, Checked: null or "digest" } ? ink.Green(cell) : ink.Red(cell),
            3 => ink.Dim(cell),
            _ => cell,
        });

    private string Type(string mediaType) => width >= Wide ? mediaType : mediaType.Replace("application/vnd", "…/vnd", StringComparison.Ordinal);

    private void WriteEngines(IReadOnlyList<EngineResult> engines, string name)
    {
        if (engines.Count == 0)
            return;
        Step("Pulled by the engines of this machine");
        Line(ink.Cyan($"docker pull {name}"));
        foreach (var engine in engines)
        {
            Line($"{(engine.Pulled ? ink.Green("✓") : ink.Yellow("–"))} {engine.Name} {engine.Outcome}");
            if (engine.Said is { } said)
                Line($"  {ink.Cyan(said)}");
        }
    }

    private void Step(string title)
    {
        lines.WriteLine();
        lines.WriteLine($"{ink.Bold($"{++_step}.")} {ink.Bold(title)}");
    }

    private void Line(string text) => lines.WriteLine($"   {text}");

    // Digests are shown by their first digits; nobody reads more.
    private static string Shorten(string path)
    {
        var at = path.IndexOf("sha256:", StringComparison.Ordinal);
        return at < 0 ? path : $"{path[..(at + 7 + 3)]}…";
    }
}
