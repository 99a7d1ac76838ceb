using Pail.Buckets.Layouts;
using Pail.Oci;
using Pail.Stores;
using Pail.Tests.Kit;
using Pail.Tests.Server.Uploads;
using static Pail.Tests.Access.DoorBench;

namespace Pail.Tests.Access;

/// <summary>Who knows digest and size of what another repository holds gets nothing of it by uploads that are closed without its bytes.</summary>
public sealed class BorderAttackTests
{
    private const int MiB = 1 << 20;

    [Theory]
    [InlineData(LayoutKind.V2)]
    [InlineData(LayoutKind.Pool)]
    public async Task Upload_ClosedASecondTime_TakesNothingOfAnotherRepository(LayoutKind layout)
    {
        await using var bench = await StartAsync(layout);
        var secret = await bench.PutBlobAsync("team-b/app", "a secret");
        // Hashed by another algorithm, so that the session does not say what these bytes are by the secret's.
        var start = (await bench.Server.SendAsync("POST", "/v2/team-a/app/blobs/uploads/?digest-algorithm=sha512", headers: Basic("alice"))).Is(202);
        var first = (await bench.Server.SendAsync("PATCH", start.Location, new StringContent("8 by"), headers: Basic("alice"))).Is(202);
        var second = (await bench.Server.SendAsync("PATCH", first.Location, new StringContent("tes."), headers: Basic("alice"))).Is(202);
        var mine = Digest.Of("8 bytes."u8, DigestAlgorithm.Sha512);
        (await bench.Server.SendAsync("PUT", $"{second.Location}?digest={mine}", headers: Basic("alice"))).Is(201);
        await using var other = await bench.AnotherAsync(layout);
        foreach (var server in new[] { bench.Server, other })
        {
            // The answer was lost, perhaps: the same again.
            (await server.SendAsync("PUT", $"{second.Location}?digest={mine}", headers: Basic("alice"))).Is(201);
            Assert.NotEqual(201, (await server.SendAsync("PUT", $"{second.Location}?digest={secret}", headers: Basic("alice"))).Status);
            (await server.GetAsync($"/v2/team-a/app/blobs/{secret}", Basic("alice"))).Is(404);
        }
    }

    [Theory]
    [InlineData(LayoutKind.V2)]
    [InlineData(LayoutKind.Pool)]
    public async Task DirectUpload_CancelledAndFinished_TakesNothingOfAnotherRepository(LayoutKind layout)
    {
        await using var bench = await StartAsync(layout, change: options => options with { Redirect = new NoAddresses() });
        var secret = await bench.PutBlobAsync("team-b/app", new string('s', 9 * MiB));
        var offer = (await bench.Server.SendAsync("POST", "/v2/team-a/app/_pail/uploads", Text($"{{\"digest\":\"{secret}\",\"size\":{9 * MiB}}}"), headers: Basic("alice"))).Is(200);
        Assert.Equal("parts", offer.Json.GetProperty("state").GetString());
        var session = offer.Json.GetProperty("session").GetString()!;
        (await bench.Server.SendAsync("DELETE", session, headers: Basic("alice"))).Is(204);
        Assert.NotEqual(201, (await bench.Server.SendAsync("PUT", session, Text($"{{\"parts\":[{{\"etag\":\"x\",\"size\":{9 * MiB}}}]}}"), headers: Basic("alice"))).Status);
        (await bench.Server.GetAsync($"/v2/team-a/app/blobs/{secret}", Basic("alice"))).Is(404);
    }

    [Theory]
    [InlineData(LayoutKind.V2)]
    [InlineData(LayoutKind.Pool)]
    public async Task Upload_OfWrongBytesInAnotherRepository_DoesNotDisturb(LayoutKind layout)
    {
        await using var bench = await StartAsync(layout);
        var (right, wrong) = (Enumerable.Repeat((byte)1, 9 * MiB).ToArray(), Enumerable.Repeat((byte)2, 9 * MiB).ToArray());
        var digest = Digest.Of(right);
        var (gate, reached) = (new TaskCompletionSource(), new TaskCompletionSource());
        var disturbing = bench.Server.SendAsync("POST", $"/v2/team-a/app/blobs/uploads/?digest={digest}", Bodies.Gated(wrong, 1 * MiB, gate.Task, reached.SetResult), headers: Basic("alice"));
        await Eventually.EndsAsync(reached.Task);
        (await bench.Server.SendAsync("POST", $"/v2/team-b/app/blobs/uploads/?digest={digest}", new ByteArrayContent(right), headers: Basic("bob"))).Is(201);
        gate.SetResult();
        (await disturbing).Is(400, "DIGEST_INVALID");
        (await bench.Server.GetAsync($"/v2/team-a/app/blobs/{digest}", Basic("alice"))).Is(404);
        (await bench.Server.GetAsync($"/v2/team-b/app/blobs/{digest}", Basic("bob"))).Is(200);
    }

    private static StringContent Text(string json) => new(json);

    // Nothing is sent to the bucket here.
    private sealed class NoAddresses : IPresigner
    {
        public Uri PresignGet(string key, TimeSpan lifetime) => new("http://127.0.0.1/");

        public Uri PresignUploadPart(UploadId upload, int number, TimeSpan lifetime) => new("http://127.0.0.1/");
    }
}
