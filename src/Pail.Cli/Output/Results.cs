using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Pail.Cli.Demo;

namespace Pail.Cli.Output;

/// <summary>What <c>pail ls --json</c> writes.</summary>
internal sealed record BucketListing(string Bucket, IReadOnlyList<RepositoryListing> Repositories, CostReport? Requests);

/// <summary>A repository of a listing; its tags where they were asked for.</summary>
internal sealed record RepositoryListing(string Name, IReadOnlyList<string>? Tags)
{
    /// <summary>The images of the tags, where they were asked for.</summary>
    public IReadOnlyList<ImageListing>? Images { get; init; }
}

/// <summary>An image of a long listing.</summary>
/// <param name="Image">Its address.</param>
/// <param name="Digest">The digest of its manifest or index.</param>
/// <param name="MediaType">The type of that.</param>
/// <param name="Size">Bytes of the layers and configs of all its platforms, each counted once.</param>
internal sealed record ImageListing(string Image, string Digest, string MediaType, long Size);

/// <summary>What <c>pail blob put --json</c> writes.</summary>
internal sealed record BlobResult(string Repository, string Digest, long Size, bool Sent, CostReport? Requests);

/// <summary>What <c>pail tags --json</c> writes.</summary>
internal sealed record TagListing(string Repository, IReadOnlyList<string> Tags, CostReport? Requests);

/// <summary>What <c>pail tag --json</c> writes.</summary>
internal sealed record TagResult(string Repository, string Digest, IReadOnlyList<string> Tags, CostReport? Requests);

/// <summary>What <c>pail init --json</c> writes.</summary>
/// <param name="Bucket">The bucket.</param>
/// <param name="Made">True if it was not there before.</param>
/// <param name="Layout">v2 or pool.</param>
/// <param name="Public">Whether it keeps the static lists that bare pulls need.</param>
/// <param name="Opened">The policy that was set, if one was.</param>
/// <param name="Requests">The S3 requests, where asked for.</param>
internal sealed record InitResult(string Bucket, bool Made, string Layout, bool Public, string? Opened, CostReport? Requests);

/// <summary>What <c>pail publish</c> and <c>unpublish --json</c> write.</summary>
/// <param name="Address">The bucket or repository.</param>
/// <param name="Changed">False if the policy said so before.</param>
/// <param name="Policy">The bucket's policy now, or as it would be; null if it has none.</param>
/// <param name="DryRun">True if nothing was changed.</param>
/// <param name="Requests">The S3 requests, where asked for.</param>
internal sealed record PublishResult(string Address, bool Changed, string? Policy, bool? DryRun, CostReport? Requests);

/// <summary>What <c>pail push|pull|copy --json</c> write.</summary>
/// <param name="Source">The address read.</param>
/// <param name="Destination">The address written.</param>
/// <param name="Digest">The digest of the manifest or index the destination names now.</param>
/// <param name="MediaType">Its type.</param>
/// <param name="Changed">False if the destination named it already, and nothing was done.</param>
/// <param name="Blobs">Blobs by what became of them.</param>
/// <param name="BytesSent">Bytes of the blobs sent.</param>
/// <param name="Seconds">How long it took.</param>
/// <param name="Requests">The S3 requests, where asked for.</param>
internal sealed record CopyReport(string Source, string Destination, string Digest, string MediaType, bool Changed, BlobCounts Blobs, long BytesSent, double Seconds, CostReport? Requests)
{
    /// <summary>The digest of the index the image was cut from, where several platforms of it were asked for.</summary>
    public string? CutFrom { get; init; }

    /// <summary>What refers to the image, where it was to be brought along.</summary>
    public ReferrerCounts? Referrers { get; init; }

    /// <summary>True if nothing was written, and the rest says what would have been.</summary>
    public bool? DryRun { get; init; }

    /// <summary>What scripts go on with.</summary>
    [JsonIgnore]
    public string Handle { get; init; } = "";
}

/// <summary>What <c>pail copy --json</c> writes with <c>--tags</c> or <c>--from-file</c>.</summary>
internal sealed record CopyListing(IReadOnlyList<CopyReport> Images, CostReport? Requests)
{
    /// <summary>The images that were not copied, if any.</summary>
    public IReadOnlyList<CopyFailure>? Failed { get; init; }
}

/// <summary>An image that was not copied, and why.</summary>
internal sealed record CopyFailure(string Source, string Error);

/// <summary>How many manifests that refer to an image were copied, and how many the destination can't hold.</summary>
internal sealed record ReferrerCounts(int Copied, int Left);

/// <summary>How many blobs were sent, were there already, or were copied by the store.</summary>
internal sealed record BlobCounts(int Sent, int Existed, int Copied);

/// <summary>What <c>pail inspect --json</c> writes.</summary>
internal sealed record Inspection(string Image, string Digest, string MediaType, long Size)
{
    public string? ArtifactType { get; init; }

    public string? Platform { get; init; }

    public DateTimeOffset? Created { get; init; }

    /// <summary>Bytes of config and layers together.</summary>
    public long? TotalSize { get; init; }

    public InspectedBlob? Config { get; init; }

    public IReadOnlyList<InspectedBlob>? Layers { get; init; }

    public IReadOnlyList<InspectedBlob>? Manifests { get; init; }

    public InspectedBlob? Subject { get; init; }

    public InspectedRun? Run { get; init; }

    public IReadOnlyDictionary<string, string>? Annotations { get; init; }

    public CostReport? Requests { get; init; }
}

/// <summary>A blob or manifest that an inspected one names.</summary>
internal sealed record InspectedBlob(string Digest, string MediaType, long Size, string? Platform = null, string? ArtifactType = null);

/// <summary>How a container of the image runs, from its config.</summary>
internal sealed record InspectedRun
{
    public string? User { get; init; }

    public IReadOnlyList<string>? Entrypoint { get; init; }

    public IReadOnlyList<string>? Cmd { get; init; }

    public string? WorkingDir { get; init; }

    public IReadOnlyList<string>? Env { get; init; }

    public IReadOnlyList<string>? ExposedPorts { get; init; }

    public IReadOnlyDictionary<string, string>? Labels { get; init; }
}

/// <summary>What <c>pail pulls import --json</c> writes.</summary>
/// <param name="Bucket">The bucket.</param>
/// <param name="Lines">Lines read.</param>
/// <param name="Unknown">Lines that are of no known log.</param>
/// <param name="Pulls">Manifests pulled from the bucket.</param>
/// <param name="References">Tags and digests they were.</param>
/// <param name="First">The time of the first GET from the bucket, if there is one.</param>
/// <param name="Last">The time of its last.</param>
/// <param name="Requests">The S3 requests, where asked for.</param>
internal sealed record PullsReport(string Bucket, long Lines, long Unknown, long Pulls, int References, DateTimeOffset? First, DateTimeOffset? Last, CostReport? Requests);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(BucketListing))]
[JsonSerializable(typeof(TagListing))]
[JsonSerializable(typeof(BlobResult))]
[JsonSerializable(typeof(TagResult))]
[JsonSerializable(typeof(RemovalResult))]
[JsonSerializable(typeof(HistoryResult))]
[JsonSerializable(typeof(RollbackResult))]
[JsonSerializable(typeof(UndeleteResult))]
[JsonSerializable(typeof(InitResult))]
[JsonSerializable(typeof(PublishResult))]
[JsonSerializable(typeof(CollectResult))]
[JsonSerializable(typeof(RetainResult))]
[JsonSerializable(typeof(CopyReport))]
[JsonSerializable(typeof(CopyListing))]
[JsonSerializable(typeof(Inspection))]
[JsonSerializable(typeof(DiffResult))]
[JsonSerializable(typeof(DemoResult))]
[JsonSerializable(typeof(PolicyReport))]
[JsonSerializable(typeof(ImportReport))]
[JsonSerializable(typeof(AccessReport))]
[JsonSerializable(typeof(AccessExplanation))]
[JsonSerializable(typeof(AccessPrepared))]
[JsonSerializable(typeof(RobotMade))]
[JsonSerializable(typeof(RobotListing))]
[JsonSerializable(typeof(PullsReport))]
internal sealed partial class ResultsJson : JsonSerializerContext
{
    /// <summary>For a terminal or a program, not for a web page: characters stay as they are where JSON allows it.</summary>
    public static ResultsJson Plain => field ??= new(new JsonSerializerOptions(Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
