using System.Collections.Concurrent;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;

namespace Pail.Tests.Kit;

/// <summary>The name of a bucket on RGW that is this test's alone, for Pail to make; gone with all it holds when the test ends.</summary>
internal sealed class TestBucket : IAsyncDisposable
{
    private static readonly ConcurrentQueue<string> Free = new(TestEnvironment.PublicBuckets);
    private static readonly SemaphoreSlim Names = new(Free.Count);

    private readonly Uri _server;
    private readonly AmazonS3Client _client;

    private TestBucket(string name, Uri server)
    {
        (Name, _server) = (name, server);
        _client = new(
            new BasicAWSCredentials(TestEnvironment.Variable("AWS_ACCESS_KEY_ID"), TestEnvironment.Variable("AWS_SECRET_ACCESS_KEY")),
            new AmazonS3Config { ServiceURL = server.ToString(), ForcePathStyle = true, AuthenticationRegion = "us-east-1" });
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>Its address for Pail.</summary>
    public string Address => $"s3://{Name}";

    /// <summary>The host and port at which it is a registry, for clients that pull from it.</summary>
    public string Registry => $"{Name}.s3.localhost:{_server.Port}";

    /// <summary>Waits until one of the names that resolve is free.</summary>
    /// <param name="server">The RGW; null for that of this machine.</param>
    public static async Task<TestBucket> TakeAsync(Uri? server = null)
    {
        await Names.WaitAsync(TestContext.Current.CancellationToken);
        return Free.TryDequeue(out var name) ? new TestBucket(name, server ?? TestEnvironment.S3) : throw new InvalidOperationException("A name is missing.");
    }

    /// <summary>The keys it holds that begin so.</summary>
    public async Task<IReadOnlyList<string>> KeysAsync(string prefix = "")
    {
        var keys = new List<string>();
        var request = new ListObjectsV2Request { BucketName = Name, Prefix = prefix };
        do
        {
            var page = await _client.ListObjectsV2Async(request);
            keys.AddRange((page.S3Objects ?? []).Select(entry => entry.Key));
            request.ContinuationToken = page.NextContinuationToken;
        }
        while (request.ContinuationToken is not null);
        return keys;
    }

    /// <summary>The bytes of an object.</summary>
    public async Task<byte[]> ReadAsync(string key)
    {
        using var answer = await _client.GetObjectAsync(Name, key);
        using var bytes = new MemoryStream();
        await answer.ResponseStream.CopyToAsync(bytes);
        return bytes.ToArray();
    }

    /// <summary>Writes an object, past all that Pail looks after.</summary>
    public Task WriteAsync(string key, byte[] bytes) => _client.PutObjectAsync(new PutObjectRequest { BucketName = Name, Key = key, InputStream = new MemoryStream(bytes), UseChunkEncoding = false });

    /// <summary>The keys, beginning so, of multipart uploads neither completed nor aborted.</summary>
    public async Task<IReadOnlyList<string>> UploadsAsync(string prefix) =>
        [.. (await PendingAsync()).Select(upload => upload.Key).Where(key => key.StartsWith(prefix, StringComparison.Ordinal))];

    public async ValueTask DisposeAsync()
    {
        try
        {
            foreach (var upload in await PendingAsync())
                await _client.AbortMultipartUploadAsync(Name, upload.Key, upload.UploadId);
            foreach (var key in await KeysAsync())
                await _client.DeleteObjectAsync(Name, key);
            await _client.DeleteBucketAsync(Name);
        }
        catch (AmazonS3Exception e) when (e.ErrorCode == "NoSuchBucket")
        {
            // The test never made it.
        }
        _client.Dispose();
        Free.Enqueue(Name);
        Names.Release();
    }

    private async Task<List<MultipartUpload>> PendingAsync() =>
        (await _client.ListMultipartUploadsAsync(new ListMultipartUploadsRequest { BucketName = Name })).MultipartUploads ?? [];
}
