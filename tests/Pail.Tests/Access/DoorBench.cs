using System.Text;
using Microsoft.Extensions.Time.Testing;
using Pail.Access;
using Pail.Buckets.Layouts;
using Pail.Oci;
using Pail.Server;
using Pail.Server.Access;
using Pail.Stores;
using Pail.Stores.Folder;
using Pail.Tests.Images;
using Pail.Tests.Kit.Servers;

namespace Pail.Tests.Access;

/// <summary>A server with rules over a folder, whose clock stands still unless told.</summary>
internal sealed class DoorBench : IAsyncDisposable
{
    public const string Rules = """
        groups: {developers: [alice]}
        rules:
          - {subjects: anonymous, repositories: "public/**", allow: [pull, list]}
          - {subjects: group:developers, repositories: "team-a/**", allow: [pull, push, list]}
          - {subjects: user:bob, repositories: "team-b/**", allow: [pull, push, list]}
          - {subjects: user:carol, repositories: "**", allow: [delete]}
          - {subjects: user:dave, repositories: "**", allow: [pull, list]}
          - {subjects: user:eve, repositories: "team-a/**", allow: [push]}
          - {subjects: user:root, repositories: "**", allow: admin}
          - {subjects: anyone, repositories: "*/frozen", deny: [push, delete]}
          - {subjects: user:dave, repositories: "team-b/**", deny: [pull]}
        """;

    private readonly TestFolder _folder = new();

    public TestServer Server { get; private set; } = null!;

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 11, 28, 12, 0, 0, TimeSpan.Zero));

    public string PasswordFile => _folder["users"];

    public RequestMeter Meter { get; } = new();

    public IObjectStore Store { get; private set; } = null!;

    private static string Users { get; } = string.Join('\n', new[] { "alice", "bob", "carol", "dave", "eve", "root" }.Select(name => $"{name}:{BCrypt.Net.BCrypt.HashPassword(PasswordOf(name), 4)}"));

    public static string PasswordOf(string user) => $"{user}'s: pässword";

    public static async Task<DoorBench> StartAsync(LayoutKind layout = LayoutKind.V2, string rules = Rules, Func<ServerOptions, ServerOptions>? change = null, Func<DoorOptions, DoorOptions>? door = null)
    {
        var bench = new DoorBench();
        await File.WriteAllTextAsync(bench.PasswordFile, Users);
        Directory.CreateDirectory(bench._folder["bucket"]);
        bench.Store = new FolderStore(bench._folder["bucket"], bench.Meter);
        var options = new DoorOptions(AccessRules.Parse(rules, "rules")) { PasswordFile = bench.PasswordFile };
        bench.Server = await TestServer.StartAsync(bench.Store, bench.Meter, layout, start => (change ?? (same => same))(start with { Secret = Secret(1), Door = door is null ? options : door(options) }), bench.Time);
        return bench;
    }

    /// <summary>Another replica over the same bucket.</summary>
    public Task<TestServer> AnotherAsync(LayoutKind layout, Func<ServerOptions, ServerOptions>? change = null) => TestServer.StartAsync(
        Store, Meter, layout, start => (change ?? (same => same))(start with { Secret = Secret(1), Door = new DoorOptions(AccessRules.Parse(Rules, "rules")) { PasswordFile = PasswordFile } }), Time);

    public static byte[] Secret(byte number) => [.. Enumerable.Repeat(number, 32)];

    /// <summary>The header of a login; none for null.</summary>
    public static (string, string)[] Basic(string? user, string? password = null) =>
        user is null ? [] : [("Authorization", $"Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password ?? PasswordOf(user)}"))}")];

    public static (string, string)[] Bearer(string token) => [("Authorization", $"Bearer {token}")];

    /// <summary>A token for a user, null for anonymous.</summary>
    public async Task<string> TokenAsync(string? user, params string[] scopes) =>
        (await AskAsync(user, scopes)).Is(200).Json.GetProperty("token").GetString()!;

    public Task<Answer> AskAsync(string? user, params string[] scopes) =>
        Server.GetAsync($"/token?service=pail{string.Concat(scopes.Select(scope => $"&scope={Uri.EscapeDataString(scope)}"))}", Basic(user));

    /// <summary>Pushes a blob and an image of it, as root, through the server.</summary>
    public async Task<(Digest Blob, Digest Manifest, byte[] Bytes)> PushAsync(string repository, string tag, string content)
    {
        var blob = await PutBlobAsync(repository, content);
        var bytes = ManifestJson.Image(new Descriptor(MediaTypes.OciConfig, blob, content.Length), [new Descriptor(MediaTypes.OciLayerGzip, blob, content.Length)]);
        var put = await Server.SendAsync("PUT", $"/v2/{repository}/manifests/{tag}", Json(bytes), headers: Basic("root"));
        put.Is(201);
        return (blob, Digest.Of(bytes), bytes);
    }

    public async Task<Digest> PutBlobAsync(string repository, string content, string user = "root")
    {
        var digest = Digest.Of(Encoding.UTF8.GetBytes(content));
        (await Server.SendAsync("POST", $"/v2/{repository}/blobs/uploads/?digest={digest}", new StringContent(content), headers: Basic(user))).Is(201);
        return digest;
    }

    public static ByteArrayContent Json(byte[] manifest) => new(manifest) { Headers = { { "Content-Type", MediaTypes.OciManifest } } };

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        _folder.Dispose();
    }
}
