using System.Text;
using Pail.Oci;
using Pail.Tests.Images;
using Pail.Tests.Kit.Registries;

namespace Pail.Tests.Remote;

/// <summary>Realms that give tokens in their own ways.</summary>
public sealed class OddRealmTests : IDisposable
{
    private readonly RegistryKit _kit = new();
    private readonly MemoryImage _image = MemoryImage.Plain(layers: 1);

    public void Dispose() => _kit.Dispose();

    [Theory]
    [InlineData("200 OK", "{\"token\":\"good\"}")]
    [InlineData("201 Created", "{\"token\":\"good\"}")]
    [InlineData("200 OK", "{\"token\":\"\",\"access_token\":\"good\"}")]
    [InlineData("200 OK", "{\"token\":null,\"access_token\":\"good\",\"expires_in\":null}")]
    [InlineData("200 OK", "{\"token\":\"good\",\"expires_in\":\"300\"}")]
    [InlineData("200 OK", "{\"token\":\"good\",\"expires_in\":\"\",\"issued_at\":\"yesterday\"}")]
    [InlineData("200 OK", "{\"token\":\"good\",\"expires_in\":-1}")]
    [InlineData("200 OK", "{\"token\":\"good\",\"expires_in\":1e300}")]
    public async Task Token_InAnyForm_IsTaken(string status, string answer)
    {
        await using var server = Server((_, stream) => RawServer.WriteAsync(stream, status, "", Encoding.UTF8.GetBytes(answer)));
        MemoryImage.AssertSame(_image, await Copying.ReadAsync(_kit.Source(server.Host)));
    }

    [Theory]
    [InlineData("404 Not Found", "")]
    [InlineData("405 Method Not Allowed", "")]
    [InlineData("415 Unsupported Media Type", "")]
    [InlineData("501 Not Implemented", "")]
    [InlineData("200 OK", "Content-Type: text/html\r\n")] // a web page
    public async Task IdentityToken_RealmThatKnowsNoPost_GetsItAsAPassword(string toPost, string headers)
    {
        await using var server = Server((request, stream) => request.Method == "POST" ? RawServer.WriteAsync(stream, toPost, headers, "<html>"u8.ToArray())
            : request["Authorization"] == $"Basic {RegistryKit.Base64("whale:identity")}" ? RawServer.WriteAsync(stream, "200 OK", "", "{\"token\":\"good\"}"u8.ToArray())
            : RawServer.WriteAsync(stream, "401 Unauthorized", "", default));
        _kit.Write(new { auths = new Dictionary<string, object> { [server.Host] = new { auth = RegistryKit.Base64("whale:"), identitytoken = "identity" } } });
        MemoryImage.AssertSame(_image, await Copying.ReadAsync(_kit.Source(server.Host)));
    }

    private RawServer Server(Func<RawRequest, Stream, Task> realm) => new((request, stream, _) => request switch
    {
        { Path: var path } when path.StartsWith("/token", StringComparison.Ordinal) => realm(request, stream),
        _ when request["Authorization"] != "Bearer good" => RawServer.WriteAsync(stream, "401 Unauthorized", "WWW-Authenticate: Bearer realm=\"/token\",service=\"x\"\r\n", default),
        { Path: var path } when path.Contains("/manifests/", StringComparison.Ordinal) => RawServer.WriteAsync(stream, "200 OK", $"Content-Type: {MediaTypes.OciManifest}\r\n", _image.Root!.Bytes),
        { Path: var path } => RawServer.WriteAsync(stream, "200 OK", "", _image.Blobs[Digest.Parse(path[(path.LastIndexOf('/') + 1)..])]),
    });
}
