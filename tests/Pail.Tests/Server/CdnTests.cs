using System.Security.Cryptography;
using System.Text;
using Pail.Server.Blobs;
using Pail.Server.Configuration;

namespace Pail.Tests.Server;

/// <summary>Blob pulls that are redirected to a CDN.</summary>
public sealed class CdnTests() : ServerTests(new FolderBucket())
{
    [Fact]
    public async Task Blob_IsRedirectedToTheCdn_AndNothingElse()
    {
        var blob = await Server.AddBlobAsync(App, [1, 2, 3]);
        await Server.PushAsync(App, "1");
        await using var server = await StartAsync(options => options with { Cdn = new(new("https://cdn.example/images/"), null) });
        var answer = (await server.GetAsync($"/v2/{App}/blobs/{blob.Digest}")).Is(307);
        Assert.Equal($"https://cdn.example/images/v2/{App}/blobs/{blob.Digest}", answer["Location"]);
        Assert.Equal(blob.Digest.ToString(), answer["Docker-Content-Digest"]);
        (await server.HeadAsync($"/v2/{App}/blobs/{blob.Digest}")).Is(200);
        (await server.GetAsync($"/v2/{App}/manifests/1")).Is(200);
        (await server.GetAsync($"/v2/{App}/blobs/sha256:{new string('0', 64)}")).Is(404);
        // Of several ranges a CDN may make what it likes.
        (await server.GetAsync($"/v2/{App}/blobs/{blob.Digest}", ("Range", "bytes=0-0,2-2"))).Is(200);
    }

    [Fact]
    public void Sign_CannedPolicy_IsWhatTheKeyOfCloudFrontVerifies()
    {
        using var key = RSA.Create(2048);
        var expires = DateTimeOffset.FromUnixTimeSeconds(1_900_000_000);
        foreach (var pem in (string[])[key.ExportPkcs8PrivateKeyPem(), key.ExportRSAPrivateKeyPem()])
        {
            using var signer = new CdnSigner("K2JCJMDEHXQW5F", pem);
            var signed = new CdnAddresses(new("https://cdn.example"), signer).Locate("v2/app/blobs/sha256:00", expires);
            const string address = "https://cdn.example/v2/app/blobs/sha256:00";
            Assert.StartsWith($"{address}?Expires=1900000000&Signature=", signed.AbsoluteUri, StringComparison.Ordinal);
            Assert.EndsWith("&Key-Pair-Id=K2JCJMDEHXQW5F", signed.AbsoluteUri, StringComparison.Ordinal);
            var signature = signed.Query.Split('&')[1]["Signature=".Length..];
            Assert.Matches("^[A-Za-z0-9_~-]+$", signature);
            var bytes = Convert.FromBase64String(signature.Replace('-', '+').Replace('_', '=').Replace('~', '/'));
            var policy = $$$$"""{"Statement":[{"Resource":"{{{{address}}}}","Condition":{"DateLessThan":{"AWS:EpochTime":1900000000}}}]}""";
            Assert.True(key.VerifyData(Encoding.ASCII.GetBytes(policy), bytes, HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1));
        }
    }

    [Fact]
    public async Task Redirect_Signed_EndsAfterItsLifetime()
    {
        using var key = RSA.Create(2048);
        using var signer = new CdnSigner("K1", key.ExportPkcs8PrivateKeyPem());
        var blob = await Server.AddBlobAsync(App, [1, 2, 3]);
        await using var server = await StartAsync(options => options with { Cdn = new(new("https://cdn.example"), signer), RedirectLifetime = TimeSpan.FromSeconds(77) });
        var before = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        var location = new Uri((await server.GetAsync($"/v2/{App}/blobs/{blob.Digest}")).Is(307)["Location"]!);
        var after = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        Assert.InRange(long.Parse(location.Query["?Expires=".Length..location.Query.IndexOf('&')]), before + 77, after + 77);
    }

    [Fact]
    public async Task Settings_ThatMakeNoSense_AreRefused()
    {
        var folder = Directory.CreateTempSubdirectory("pail-test-");
        try
        {
            using var rsa = RSA.Create(2048);
            using var curve = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            foreach (var (name, pem) in ((string, string)[])[("good", rsa.ExportPkcs8PrivateKeyPem()), ("public", rsa.ExportSubjectPublicKeyInfoPem()), ("curve", curve.ExportPkcs8PrivateKeyPem()), ("junk", "junk")])
                await File.WriteAllTextAsync(Path.Combine(folder.FullName, name), pem, TestContext.Current.CancellationToken);
            const string root = "redirect-base=https://cdn.example", pair = "redirect-key-pair=K1";
            Assert.NotNull(Read(root, pair, $"redirect-private-key={folder.FullName}/good").Server.Cdn);
            Assert.NotNull(Read(root).Server.Cdn);
            foreach (var settings in (string[][])
                [
                    [root, pair], [pair, $"redirect-private-key={folder.FullName}/good"], [root, "no-redirect=true"], ["redirect-base=cdn.example"], ["redirect-base=https://cdn.example/?a=b"], ["redirect-base=https://user:secret@cdn.example"],
                    [root, "redirect-key-pair=K1&x=y", $"redirect-private-key={folder.FullName}/good"], .. ((string[])["public", "curve", "junk", "none"]).Select(name => (string[])[root, pair, $"redirect-private-key={folder.FullName}/{name}"]),
                ])
            {
                var failure = Assert.Throws<PailException>(() => Read(settings));
                Assert.Equal(Failure.BadInput, failure.Failure);
                Assert.DoesNotContain("secret", failure.Message, StringComparison.Ordinal);
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static ServeConfiguration Read(params string[] settings) => ServeConfiguration.Read(
        settings.ToDictionary(setting => setting[..setting.IndexOf('=')], IReadOnlyList<string> (setting) => [setting[(setting.IndexOf('=') + 1)..]]), _ => null, null);
}
