using Pail.Buckets.Layouts;
using Pail.Oci;

namespace Pail.Tests.Access;

/// <summary>Every subject, with password and with token, does everything in every repository, on both layouts; what shall happen is stated here, apart from the rules.</summary>
public sealed class PermissionMatrixTests
{
    private const string Unknown = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

    private static readonly string[] Repositories = ["public/app", "team-a/app", "team-a/frozen", "team-b/app", "team-ab/app", "publicity/app"];

    // l: list, p: pull, w: push, d: delete.
    private static string Allowed(string? user, string repository) => (user, repository) switch
    {
        ("root", "team-a/frozen") => "lp",
        ("root", _) => "lpwd",
        ("carol", "public/app") => "lpd",
        ("carol", "team-a/frozen") => "",
        ("carol", _) => "d",
        ("dave", "team-b/app") => "l",
        ("dave", _) => "lp",
        (_, "public/app") => "lp",
        ("alice", "team-a/app") => "lpw",
        ("alice", "team-a/frozen") => "lp",
        ("bob", "team-b/app") => "lpw",
        ("eve", "team-a/app") => "w",
        _ => "",
    };

    [Theory]
    [InlineData(LayoutKind.V2)]
    [InlineData(LayoutKind.Pool)]
    public async Task EverySubject_EveryEndpoint_EveryRepository(LayoutKind layout)
    {
        await using var bench = await DoorBench.StartAsync(layout, DoorBench.Rules.Replace("repositories: \"*/frozen\"", "repositories: \"none/frozen\"", StringComparison.Ordinal));
        var images = new Dictionary<string, (Digest Blob, Digest Manifest, byte[] Bytes)>();
        foreach (var repository in Repositories)
            images[repository] = await bench.PushAsync(repository, "1", $"content of {repository}");
        await using var server = await bench.AnotherAsync(layout);
        var wrong = new List<string>();
        var cases = 0;
        foreach (var user in new[] { null, "alice", "bob", "carol", "dave", "eve", "root" })
            foreach (var repository in Repositories)
            {
                var (blob, manifest, bytes) = images[repository];
                (string Method, string Path, string Needs, int Success, byte[]? Body)[] requests =
                [
                    ("GET", "manifests/1", "p", 200, null),
                    ("HEAD", "manifests/1", "p", 200, null),
                    ("GET", $"manifests/{manifest}", "p", 200, null),
                    ("HEAD", $"manifests/{manifest}", "p", 200, null),
                    ("GET", $"manifests/{Unknown}", "p", 404, null),
                    ("GET", "manifests/none", "p", 404, null),
                    ("GET", $"blobs/{blob}", "p", 200, null),
                    ("HEAD", $"blobs/{blob}", "p", 200, null),
                    ("HEAD", $"blobs/{Unknown}", "p", 404, null),
                    ("GET", $"referrers/{manifest}", "p", 200, null),
                    ("GET", "tags/list", "l", 200, null),
                    ("POST", "blobs/uploads/", "w", 202, null),
                    ("POST", $"blobs/uploads/?mount={Unknown}", "w", 202, null),
                    ("POST", $"blobs/uploads/?digest={Digest.Of("x"u8)}", "w", 201, "x"u8.ToArray()),
                    ("PATCH", "blobs/uploads/none", "w", 404, [1]),
                    ("PUT", $"blobs/uploads/none?digest={blob}", "w", 404, [1]),
                    ("GET", "blobs/uploads/none", "w", 404, null),
                    ("DELETE", "blobs/uploads/none", "w", 404, null),
                    ("POST", "_pail/uploads", "w", 404, [1]),
                    ("PUT", "manifests/1", "wp", 201, bytes),
                    ("PUT", $"manifests/{manifest}", "wp", 201, bytes),
                    ("DELETE", "manifests/none", "d", 404, null),
                    ("DELETE", $"manifests/{Unknown}", "d", 404, null),
                    ("DELETE", $"blobs/{Unknown}", "d", 404, null),
                ];
                // A token for everything: it holds what the rules allow. One for nothing, and one for another repository, hold nothing here.
                var all = user is null ? null : await bench.TokenAsync(user, $"repository:{repository}:*");
                var none = await bench.TokenAsync(user);
                var other = await bench.TokenAsync(user, $"repository:{repository}x:*", $"repository:x/{repository}:*");
                foreach (var (method, path, needs, success, body) in requests)
                {
                    var may = needs.All(Allowed(user, repository).Contains);
                    await CheckAsync("password", DoorBench.Basic(user), may, user is null ? 401 : 403);
                    if (all is not null)
                        await CheckAsync("token", DoorBench.Bearer(all), may, 401);
                    await CheckAsync("token for nothing", DoorBench.Bearer(none), false, 401);
                    await CheckAsync("token for another", DoorBench.Bearer(other), false, 401);

                    async Task CheckAsync(string how, (string, string)[] headers, bool allowed, int refusal)
                    {
                        var answer = await server.SendAsync(method, $"/v2/{repository}/{path}", body is null ? null : DoorBench.Json(body), headers: headers);
                        cases++;
                        if (answer.Status != (allowed ? success : refusal))
                            wrong.Add($"{user ?? "anonymous"} by {how}: {method} {repository}/{path}: {answer.Status}, expected {(allowed ? success : refusal)}");
                        else if (!allowed && refusal == 401 && answer["WWW-Authenticate"]?.Contains($"repository:{repository}:", StringComparison.Ordinal) != true)
                            wrong.Add($"{method} {repository}/{path}: {answer["WWW-Authenticate"]}");
                    }
                }
            }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong.Prepend($"{wrong.Count} of {cases}")));
        Assert.Equal(((7 * 4) - 1) * Repositories.Length * 24, cases);
    }

    [Theory]
    [InlineData(LayoutKind.V2)]
    [InlineData(LayoutKind.Pool)]
    public async Task Catalog_ShowsWhatMayBeListed_InWholePages(LayoutKind layout)
    {
        await using var bench = await DoorBench.StartAsync(layout);
        foreach (var repository in Repositories.Where(name => name != "team-a/frozen"))
            await bench.PushAsync(repository, "1", repository);
        foreach (var (user, expected) in new (string?, string[])[]
        {
            ("alice", ["public/app", "team-a/app"]),
            ("bob", ["public/app", "team-b/app"]),
            ("eve", ["public/app"]),
            ("root", ["public/app", "publicity/app", "team-a/app", "team-ab/app", "team-b/app"]),
            ("dave", ["public/app", "publicity/app", "team-a/app", "team-ab/app", "team-b/app"]),
            (null, ["public/app"]),
        })
            foreach (var size in new[] { 1, 2, 1000 })
            {
                var headers = user is null ? [] : DoorBench.Bearer(await bench.TokenAsync(user, "registry:catalog:*"));
                var (seen, next) = (new List<string>(), (string?)$"/v2/_catalog?n={size}");
                while (next is not null)
                {
                    var page = (await bench.Server.GetAsync(next, headers)).Is(200);
                    var names = page.Json.GetProperty("repositories").EnumerateArray().Select(name => name.GetString()!).ToList();
                    next = page["Link"]?.Split('<', '>')[1];
                    Assert.True(next is null || names.Count == size, $"a page of {names.Count} is not the last");
                    seen.AddRange(names);
                }
                Assert.Equal(expected.Order(StringComparer.Ordinal), seen.Order(StringComparer.Ordinal));
            }
        (await bench.Server.GetAsync("/v2/_catalog", DoorBench.Bearer(await bench.TokenAsync("root", "repository:team-a/app:*")))).Is(401, "UNAUTHORIZED");
    }
}
