using System.Text.Json.Nodes;
using Amazon.Runtime;
using Pail.Buckets;
using Pail.Buckets.Layouts;
using Pail.Collect;
using Pail.Oci;
using Pail.S3;
using Pail.Stores;
using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Servers;
using Pail.Tests.S3;
using Pail.Transfer;

namespace Pail.Tests.EndToEnd;

/// <summary>
/// Pail on Ceph RGW as a user who owns nothing and may do what <c>pail iam</c> prints: that suffices for the work of the role, and the
/// work fails without any one of the statements.
/// </summary>
[NeedsServers]
public sealed class LeastPolicyTests : IAsyncLifetime
{
    private const string Prefix = "registry/";

    private static readonly string LesserAccess = TestEnvironment.Variable("AWS_ACCESS_KEY_ID") + "lesser";

    private readonly string _bucket = S3Server.NewName();
    private readonly TestFolder _folder = new();
    private readonly TestLayout _image;

    public LeastPolicyTests()
    {
        _image = new TestLayout(_folder["image"]);
        _image.Tag(_image.ImageOf(20 << 20, 100_000));
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    // A part of the bucket, so that the prefix is in every statement.
    private string Address => $"s3://{_bucket}/{Prefix}/";

    private static PailCli Lesser => new(TestEnvironment.S3) { Variables = new Dictionary<string, string> { ["AWS_ACCESS_KEY_ID"] = LesserAccess } };

    private static S3Server LesserServer => S3Server.Ceph with { Credentials = new BasicAWSCredentials(LesserAccess, TestEnvironment.Variable("AWS_SECRET_ACCESS_KEY")) };

    public static TheoryData<string, string> Roles { get; } = new(from role in (string[])["reader", "pusher", "server", "collector"] from layout in (string[])["v2", "pool"] select (role, layout));

    [Theory]
    [MemberData(nameof(Roles))]
    public async Task Policy_OfARole_SufficesAndHasNoStatementTooMany(string role, string layout)
    {
        await PailCli.Direct.DoAsync("init", Address, "--layout", layout);
        var printed = JsonNode.Parse((await PailCli.Direct.DoAsync("iam", role, Address)).Output)!;
        await ApplyAsync(printed["Statement"]!.AsArray(), without: null);
        var failed = await WorkAsync(role, "whole");
        Assert.True(failed is null, failed);
        foreach (var statement in printed["Statement"]!.AsArray())
        {
            var sid = (string)statement!["Sid"]!;
            await ApplyAsync(printed["Statement"]!.AsArray(), without: sid);
            Assert.True(await WorkAsync(role, $"without-{sid.ToLowerInvariant()}") is not null, $"{role} works without {sid}");
        }
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        using (var client = S3Server.Ceph.Client())
            await client.DeleteBucketPolicyAsync(_bucket);
        await S3Server.Ceph.RemoveAsync(_bucket);
        _folder.Dispose();
    }

    // A policy of the bucket for that user: RGW takes the same statements.
    private async Task ApplyAsync(JsonArray statements, string? without)
    {
        var kept = statements.Where(statement => (string?)statement!["Sid"] != without).Select(statement =>
        {
            var copy = statement!.DeepClone();
            copy["Principal"] = new JsonObject { ["AWS"] = "arn:aws:iam:::user/lesser" };
            return copy;
        });
        // On RGW an object that the lesser one wrote is the lesser one's, and closed to the owner of the bucket without this.
        var owner = new JsonObject
        {
            ["Effect"] = "Allow",
            ["Principal"] = new JsonObject { ["AWS"] = "arn:aws:iam:::user/pail" },
            ["Action"] = "s3:*",
            ["Resource"] = new JsonArray($"arn:aws:s3:::{_bucket}", $"arn:aws:s3:::{_bucket}/*"),
        };
        using var client = S3Server.Ceph.Client();
        await client.PutBucketPolicyAsync(_bucket, new JsonObject { ["Version"] = "2012-10-17", ["Statement"] = new JsonArray([owner, .. kept]) }.ToJsonString(), Cancel);
    }

    // What did not work; null if all did.
    private Task<string?> WorkAsync(string role, string repository) => role switch
    {
        "reader" => ReadAsync(repository),
        "pusher" => PushAsync(repository),
        "server" => ServeAsync(repository),
        _ => CollectAsync(repository),
    };

    private async Task<string?> ReadAsync(string repository)
    {
        await PailCli.Direct.DoAsync("push", _image.Address(), $"{Address}{repository}:1");
        return await FailedAsync(["pull", $"{Address}{repository}:1", $"oci:{_folder[repository]}:1"], ["tags", $"{Address}{repository}"], ["ls", Address]);
    }

    private async Task<string?> PushAsync(string repository)
    {
        // RGW lets the owner of an object read it whatever the policy says, so others' objects are read.
        await PailCli.Direct.DoAsync("push", _image.Address(), $"{Address}{repository}-others:1");
        var fresh = new TestLayout(_folder[$"fresh-{repository}"]);
        fresh.Tag(fresh.ImageOf(20 << 20, 100_000));
        if (await FailedAsync(["push", fresh.Address(), $"{Address}{repository}:1"], ["tag", $"{Address}{repository}-others:1", "2"], ["pull", $"{Address}{repository}-others:2", $"oci:{_folder[repository]}:1"]) is { } failed)
            return failed;
        // A layer that is not what its digest says is given up half way.
        var damaged = new TestLayout(_folder[$"damaged-{repository}"]);
        var layer = damaged.Read(damaged.Tag(damaged.ImageOf(20 << 20))).Layers[0];
        await using (var file = File.OpenWrite(damaged.PathOf(layer.Digest)))
            file.WriteByte(0x55);
        (await Lesser.RunAsync("push", damaged.Address(), $"{Address}{repository}:damaged")).Ended(5);
        return await LeftAsync();
    }

    private async Task<string?> ServeAsync(string repository)
    {
        PailServer started;
        try
        {
            started = await PailServer.StartAsync(Lesser, [Address, "--log", "off"]);
        }
        catch (InvalidOperationException e)
        {
            return e.Message;
        }
        await using var server = started;
        if (await FailedAsync(["push", _image.Address(), $"docker://{server.Host}/{repository}:1"], ["tags", $"docker://{server.Host}/{repository}"], ["pull", $"docker://{server.Host}/{repository}:1", $"oci:{_folder[repository]}:1"]) is { } failed)
            return failed;
        // An upload in chunks that is given up.
        using var http = new HttpClient { BaseAddress = server.Address };
        using var begun = await http.PostAsync(new Uri($"v2/{repository}/blobs/uploads/", UriKind.Relative), null, Cancel);
        using var sent = await http.PatchAsync(begun.Headers.Location, new ByteArrayContent(new byte[20 << 20]), Cancel);
        if (!sent.IsSuccessStatusCode)
            return $"PATCH {sent.StatusCode}";
        // Another whose bytes are not what its digest says.
        using var another = await http.PostAsync(new Uri($"v2/{repository}/blobs/uploads/", UriKind.Relative), null, Cancel);
        using var wrong = await http.PutAsync(new Uri($"{another.Headers.Location}?digest={Digest.Of("other"u8)}", UriKind.Relative), new ByteArrayContent(new byte[20 << 20]), Cancel);
        Assert.False(wrong.IsSuccessStatusCode);
        using var gone = await http.DeleteAsync(sent.Headers.Location, Cancel);
        using var deleted = await http.DeleteAsync(new Uri($"v2/{repository}/manifests/1", UriKind.Relative), Cancel);
        return !gone.IsSuccessStatusCode ? $"DELETE of an upload: {gone.StatusCode}" : !deleted.IsSuccessStatusCode ? $"DELETE of a tag: {deleted.StatusCode}" : await SweepAsync() ?? await LeftAsync();
    }

    // What the server does each hour.
    private async Task<string?> SweepAsync()
    {
        await StageAsync();
        try
        {
            using var store = LesserServer.Open(_bucket, Prefix);
            var bucket = await Bucket.OpenAsync(store, new TransferEngine(new TransferOptions()), Cancel);
            await bucket.Staging.SweepAsync(DateTimeOffset.UtcNow.AddMinutes(1), DateTimeOffset.UtcNow.AddDays(-7), Cancel);
            return null;
        }
        catch (PailException e)
        {
            return e.Message;
        }
    }

    // An upload that a dead server left.
    private async Task StageAsync()
    {
        using var staged = S3Server.Ceph.Open(_bucket, Prefix);
        await staged.CreateUploadAsync($"pail/uploads/{Guid.NewGuid():n}/direct", new(MediaTypes.OctetStream), Cancel);
    }

    private async Task<string?> CollectAsync(string repository)
    {
        var image = new TestLayout(_folder[$"garbage-{repository}"]);
        image.Tag(image.ImageOf(100_000));
        foreach (var tag in (string[])["1", "2"])
            await PailCli.Direct.DoAsync("push", image.Address(), $"{Address}{repository}:{tag}");
        await StageAsync();
        if (await FailedAsync(["rm", "--yes", $"{Address}{repository}:1"], ["undelete", $"{Address}{repository}:1"], ["rm", "--yes", $"{Address}{repository}"]) is { } failed)
            return failed;
        try
        {
            using var store = LesserServer.Open(_bucket, Prefix);
            var bucket = await Bucket.OpenAsync(store, new TransferEngine(new TransferOptions()), Cancel);
            // What was written just now counts as old, whatever the clocks.
            var old = TimeSpan.FromHours(-1);
            var options = new CollectOptions { Grace = old, UntaggedAfter = old, HistoryKeep = old, UploadsAfter = old, Alone = true, Pace = 10 };
            if (await new Collector(bucket, options).RunAsync(Cancel) is { Warnings: [var warning, ..] })
                return warning;
        }
        catch (PailException e)
        {
            return e.Message;
        }
        return await LeftAsync() ?? await KeptAsync(image);
    }

    // A layer that a collection should have removed.
    private async Task<string?> KeptAsync(TestLayout image)
    {
        var layer = image.Read(image.Root).Layers[0].Digest;
        using var store = S3Server.Ceph.Open(_bucket, Prefix);
        await foreach (var entry in store.ListObjectsAsync(new ListQuery(""), Cancel))
            if (entry.Key.EndsWith(layer.Hex, StringComparison.Ordinal))
                return $"{entry.Key} is still there";
        return null;
    }

    private static async Task<string?> FailedAsync(params string[][] commands)
    {
        foreach (var command in commands)
            if (await Lesser.RunAsync(command) is { ExitCode: not 0 } failed)
                return failed.Error;
        return null;
    }

    // Uploads that nobody finished; they are removed, so that they don't fail what comes next.
    private async Task<string?> LeftAsync()
    {
        using var store = S3Server.Ceph.Open(_bucket);
        var left = await store.ListUploadsAsync("", Cancel);
        foreach (var upload in left)
            await store.AbortUploadAsync(upload.Upload, Cancel);
        return left.Count == 0 ? null : $"unfinished: {left[0].Upload.Key}";
    }
}

/// <summary>What the documents say of policies.</summary>
public sealed class LeastPolicyDocsTests
{
    [Fact]
    public async Task Docs_ShowThePolicies()
    {
        var docs = await File.ReadAllTextAsync(Path.Combine(TestEnvironment.Sources, "docs", "stores.md"), TestContext.Current.CancellationToken);
        Assert.Contains(string.Concat(Enum.GetValues<BucketRole>().SelectMany(Rows)), docs, StringComparison.Ordinal);
    }

    private static IEnumerable<string> Rows(BucketRole role) => LeastPolicy.Of(role, new V2Layout()).Select((statement, number) =>
        $"| {(number == 0 ? $"`{role.ToString().ToLowerInvariant()}`" : "")} | {string.Join(", ", statement.Actions.Select(action => $"`{action}`"))} | {(statement.Keys.Count == 0 ? "the bucket" : string.Join(", ", statement.Keys.Select(key => $"`{key}`")))} |\n");
}
