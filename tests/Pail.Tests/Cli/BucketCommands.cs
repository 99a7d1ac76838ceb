using System.Text.Json.Nodes;
using Pail.Copy;
using Pail.Io;
using Pail.Oci;
using Pail.OciLayout;
using Pail.Tests.Images;

namespace Pail.Tests.Cli;

/// <summary>A bucket in a folder, and images to push into it.</summary>
public abstract class BucketCommands : IDisposable
{
    private protected TestFolder Folder { get; } = new();

    protected string Bucket => $"file:{Folder["bucket"]}";

    public void Dispose() => Folder.Dispose();

    private protected async Task<MemoryImage> LayoutAsync(string kind)
    {
        var image = MemoryImage.Of(kind);
        await using var sink = new OciLayoutSink(Folder[kind], "1");
        await ImageCopy.RunAsync(image, sink, new CopyOptions(), NoProgress.Instance, TestContext.Current.CancellationToken);
        return image;
    }

    protected async Task<Manifest> PushReferrerAsync(string name, Descriptor subject)
    {
        var image = new MemoryImage();
        var manifest = image.AddImage([], subject, $"text/{name}", image.Add("{}"u8.ToArray(), MediaTypes.OciEmpty));
        await Copying.RunAsync(image, new OciLayoutSink(Folder[name], "1"));
        (await Command.RunAsync("push", $"oci:{Folder[name]}:1", $"{Bucket}//app@{manifest.Digest}")).Ended(0);
        return manifest;
    }

    private protected async Task<MemoryImage> PushedAsync(string kind, string repository = "app")
    {
        var image = await LayoutAsync(kind);
        (await Command.RunAsync("init", Bucket)).Ended(0);
        (await Command.RunAsync("push", $"oci:{Folder[kind]}:1", $"{Bucket}//{repository}:1")).Ended(0);
        return image;
    }

    private protected static JsonNode Json(Ran ran) => JsonNode.Parse(ran.Ended(0).Output)!;

    private protected void AssertJson(string expected, Ran ran) =>
        Assert.Equal(JsonNode.Parse(expected.Replace("\"B", $"\"{Bucket}", StringComparison.Ordinal))!.ToJsonString(), Json(ran).ToJsonString());
}
