using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;
using Pail.Cli.Demo;
using Pail.Copy;
using Pail.Io;
using Pail.Oci;
using Pail.Tests.Images;
using Pail.Tests.Kit;

namespace Pail.Tests.Cli;

[Trait("Also", "Native")]
public sealed class DemoTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Demo_Json_ShowsEveryRequestAnsweredAndEveryDigestRight()
    {
        var json = JsonNode.Parse((await Command.RunAsync("demo", "--json")).Ended(0).Output)!;
        var requests = json["requests"]!.AsArray();
        Assert.Equal(["/v2/", "/v2/hello/manifests/1.0", "/v2/hello/manifests/1.0"], requests.Take(3).Select(request => (string)request!["path"]!));
        Assert.All(requests, request => Assert.Equal(200, (int)request!["status"]!));
        Assert.Equal(3, requests.Count(request => (string?)request!["checked"] == "digest"));
        Assert.Equal(MediaTypes.OciManifest, (string)requests[1]!["contentType"]!);
        Assert.Contains(json["objects"]!.AsArray(), item => (string)item!["key"]! == "v2/");
        Assert.Null(json["folder"]);
        Assert.True((int)json["pushOnS3"]!["classA"]! is >= 4 and <= 7);
    }

    [Fact]
    public async Task Demo_Keep_LeavesTheBucketThatPailReads()
    {
        var folder = (string)JsonNode.Parse((await Command.RunAsync("demo", "--json", "--keep")).Ended(0).Output)!["folder"]!;
        try
        {
            Assert.Equal(["hello"], (await Command.RunAsync("ls", $"file:{folder}")).Ended(0).Lines);
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(folder)!, recursive: true);
        }
    }

    [Fact]
    public async Task Demo_ForPeople_IsAStoryOnStdout()
    {
        var ran = (await Command.RunAsync("demo")).Ended(0);
        Assert.Empty(ran.Error);
        Assert.Contains("HEAD  /v2/hello/manifests/1.0", ran.Output, StringComparison.Ordinal);
        Assert.Contains("200 ✓", ran.Output, StringComparison.Ordinal);
        Assert.DoesNotContain('\e', ran.Output);
    }

    [Fact]
    [NeedsServers]
    public async Task HelloProgram_OnThisMachine_RunsAndWritesItsLine()
    {
        var architecture = RuntimeInformation.OSArchitecture == Architecture.Arm64 ? "arm64" : "amd64";
        await File.WriteAllBytesAsync(_folder["hello"], HelloProgram.Build(architecture, "It runs."), TestContext.Current.CancellationToken);
        Executable(_folder["hello"]);
        var ran = (await Child.RunAsync(_folder["hello"], [])).Succeeded();
        Assert.Equal("It runs.\n", ran.Output);
    }

    [Fact]
    public void HelloProgram_Arm64_AddressesItsTextRightBehindTheCode()
    {
        var program = HelloProgram.Build("arm64", "Hi");
        Assert.Equal(183, BitConverter.ToUInt16(program, 18));
        // adr x1, #offset: bits 5 to 23 are its upper, 29 and 30 its lower part.
        var adr = BitConverter.ToUInt32(program, 120 + 4);
        var offset = ((adr >> 5 & 0x7ffff) << 2) | (adr >> 29 & 3);
        Assert.Equal("Hi\n", Encoding.ASCII.GetString(program, 120 + 4 + (int)offset, 3));
        Assert.Equal(120 + 32 + 3, program.Length);
    }

    [Fact]
    public async Task DemoImage_TwoOfThem_AreTheSame()
    {
        await using var first = new DemoImage("amd64");
        await using var second = new DemoImage("amd64");
        Assert.Equal(first.Manifest.Digest, second.Manifest.Digest);
        var copy = new MemoryImage();
        await ImageCopy.RunAsync(first, copy, new CopyOptions(), NoProgress.Instance, TestContext.Current.CancellationToken);
        Assert.Equal(2, copy.Blobs.Count);
    }

    [Theory]
    [InlineData("GET", "/v2/a", 200, "application/json", "{}")]
    [InlineData("HEAD", "/v2/a", 200, "application/json", "")]
    [InlineData("GET", "/v2/b", 404, null, "")]
    [InlineData("GET", "/v2/", 404, null, "")]
    [InlineData("POST", "/v2/a", 405, null, "")]
    [InlineData("GET", "/../secret", 404, null, "")]
    [InlineData("GET", "/v2/../../secret", 404, null, "")]
    [InlineData("GET", "/%2e%2e/secret", 404, null, "")]
    [InlineData("GET", "/v2/%2e%2e%2f..%2fsecret", 404, null, "")]
    public async Task PlainFileServer_Request_IsAFileOfTheFolderOrNothing(string method, string path, int status, string? type, string body)
    {
        Directory.CreateDirectory(_folder["root/v2"]);
        await File.WriteAllTextAsync(_folder["root/v2/a.@json"], "{}", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(_folder["secret.@json"], "secret", TestContext.Current.CancellationToken);
        await using var server = PlainFileServer.Start(_folder["root"]);
        var answer = await AskAsync(server.Address, method, path);
        Assert.StartsWith($"HTTP/1.1 {status} ", answer, StringComparison.Ordinal);
        if (type is not null)
            Assert.Contains($"Content-Type: {type}\r\n", answer, StringComparison.OrdinalIgnoreCase);
        Assert.EndsWith($"\r\n\r\n{body}", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", answer[answer.IndexOf("\r\n\r\n", StringComparison.Ordinal)..], StringComparison.Ordinal);
    }

    // By hand: HttpClient would tidy up the path.
    private static async Task<string> AskAsync(Uri server, string method, string path)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, server.Port, TestContext.Current.CancellationToken);
        await using var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"{method} {path} HTTP/1.1\r\nHost: {server.Authority}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"), TestContext.Current.CancellationToken);
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync(TestContext.Current.CancellationToken);
    }

    private static void Executable(string path)
    {
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, (UnixFileMode)0b111_101_101);
    }
}
