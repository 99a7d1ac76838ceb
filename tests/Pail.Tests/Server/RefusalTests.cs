using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Pail.Tests.Kit.Servers;

namespace Pail.Tests.Server;

/// <summary>What the HTTP server itself refuses: its answers have the form of the specification too.</summary>
public sealed class RefusalTests() : ServerTests(new FolderBucket())
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static async Task<string> SendAsync(TestServer server, string text)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(server.Address.Host, server.Address.Port, Cancel);
        await socket.GetStream().WriteAsync(Encoding.Latin1.GetBytes(text), Cancel);
        using var answer = new MemoryStream();
        try
        {
            var buffer = new byte[64 << 10];
            // After the answer, the server may wait for the rest of the body.
            while (!IsWhole(Encoding.Latin1.GetString(answer.ToArray())) && await socket.GetStream().ReadAsync(buffer, Cancel) is > 0 and var read)
                answer.Write(buffer, 0, read);
        }
        catch (IOException)
        {
            // A connection whose request was not read to its end is reset.
        }
        return Encoding.Latin1.GetString(answer.ToArray());
    }

    private static bool IsWhole(string answer) =>
        answer.Split("\r\n\r\n") is [var head, var body] && (head + "\r\n").Contains($"\r\nContent-Length: {body.Length}\r\n", StringComparison.Ordinal);

    private static void AssertIsError(string answer, int status)
    {
        Assert.StartsWith($"HTTP/1.1 {status} ", answer, StringComparison.Ordinal);
        var (head, body) = (answer[..answer.IndexOf("\r\n\r\n", StringComparison.Ordinal)], answer[(answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..]);
        Assert.Contains("\r\nContent-Type: application/json", head, StringComparison.Ordinal);
        Assert.Contains($"\r\nContent-Length: {body.Length}", head, StringComparison.Ordinal);
        var error = JsonDocument.Parse(body).RootElement.GetProperty("errors")[0];
        Assert.Matches("^[A-Z_]+$", error.GetProperty("code").GetString());
        Assert.NotEmpty(error.GetProperty("message").GetString()!);
    }

    [Theory]
    [InlineData("GARBAGE\r\n\r\n", 400)]
    [InlineData("GET /v2/ HTTP/3.9\r\n\r\n", 505)]
    [InlineData("GET /v2/ HTTP/1.1\r\n\r\n", 400)]
    [InlineData("GET /v2/ HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400)]
    [InlineData("GET /v2/ HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", 400)]
    [InlineData("GET /v2/ HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n", 400)]
    [InlineData("PUT /v2/a/manifests/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\nConnection: close\r\n\r\n", 413)]
    [InlineData("PUT /v2/a/manifests/1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400)]
    [InlineData("POST /v2/a/blobs/uploads/?digest=sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400)]
    public async Task Request_ThatTheHttpServerRefuses_HasAnErrorBody(string text, int status) => AssertIsError(await SendAsync(Server, text), status);

    [Fact]
    public async Task Headers_TooLarge_HaveAnErrorBody()
    {
        await using var server = await StartAsync(options => options with { MaxHeaderBytes = 8192 });
        AssertIsError(await SendAsync(server, $"GET /v2/ HTTP/1.1\r\nHost: x\r\nX-Large: {new string('x', 9000)}\r\n\r\n"), 431);
    }

    [Fact]
    public async Task Address_TooLong_HasAnErrorBody() => AssertIsError(await SendAsync(Server, $"GET /v2/{new string('x', 20_000)} HTTP/1.1\r\nHost: x\r\n\r\n"), 414);

    // What goes through the pipeline and has no body is left as it is, also where a request that was refused comes after it.
    [Fact]
    public async Task Answers_OfTheRegistry_AreLeftAsTheyAre()
    {
        var answer = await SendAsync(Server, "HEAD /v2/a/manifests/none HTTP/1.1\r\nHost: x\r\n\r\nGET /v2/ HTTP/1.1\r\nHost: x\r\n\r\nGARBAGE\r\n\r\n");
        var parts = answer.Split("HTTP/1.1 ");
        Assert.StartsWith("404", parts[1], StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\n", parts[1], StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\n{}", parts[2], StringComparison.Ordinal);
        AssertIsError("HTTP/1.1 " + parts[3], 400);
    }
}
