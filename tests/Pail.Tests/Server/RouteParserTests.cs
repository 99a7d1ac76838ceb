using FsCheck;
using FsCheck.Fluent;
using Pail.Oci;
using Pail.Server.Errors;
using Pail.Server.Routing;

namespace Pail.Tests.Server;

public sealed class RouteParserTests
{
    private static readonly string Digest256 = Digest.Of("x"u8).ToString();
    private static readonly string Digest512 = Digest.Of("x"u8, DigestAlgorithm.Sha512).ToString();

    // Names made of the words that paths are made of.
    private static readonly Gen<string> Name = Gen.Elements("a", "blobs", "manifests", "tags", "list", "uploads", "referrers", "v2", "a.b", "x--y", "sha256")
        .NonEmptyListOf().Select(parts => string.Join('/', parts.Take(6)));

    private static readonly Gen<string> End = Gen.Elements(
        "/manifests/latest", "/manifests/list", "/manifests/" + Digest256, "/manifests/" + Digest512, "/manifests/uploads", "/tags/list", "/blobs/" + Digest256, "/blobs/" + Digest512,
        "/blobs/uploads/", "/blobs/uploads/session-1_x=", "/referrers/" + Digest256, "/_pail/uploads/x/y", "/_pail/z");

    private static string PathOf(RegistryRoute route) => route switch
    {
        RegistryRoute.Root => "/v2/",
        RegistryRoute.Catalog => "/v2/_catalog",
        RegistryRoute.Tags tags => $"/v2/{tags.Repository}/tags/list",
        RegistryRoute.Referrers referrers => $"/v2/{referrers.Repository}/referrers/{referrers.Subject}",
        RegistryRoute.ManifestOf manifest => $"/v2/{manifest.Repository}/manifests/{manifest.Reference}",
        RegistryRoute.Blob blob => $"/v2/{blob.Repository}/blobs/{blob.Digest}",
        RegistryRoute.Uploads start => $"/v2/{start.Repository}/blobs/uploads/",
        RegistryRoute.Upload upload => $"/v2/{upload.Repository}/blobs/uploads/{upload.Session}",
        RegistryRoute.Direct direct => $"/v2/{direct.Repository}/_pail/{direct.Rest}",
        _ => throw new InvalidOperationException(),
    };

    [Fact]
    public void Parse_NameAndEnd_AreReadFromTheRight() => Prop.ForAll(Name.ToArbitrary(), End.ToArbitrary(), (name, end) =>
    {
        Assert.Null(RouteParser.Parse($"/v2/{name}{end}", reads: false, out var route));
        Assert.Equal($"/v2/{name}{end}", PathOf(route));
    }).QuickCheckThrowOnFailure();

    // Whatever is let through is written exactly so, and so holds nothing but names, tags and digests.
    [Fact]
    public void Parse_AnyPath_IsARouteOfThatPathOrAnError()
    {
        var piece = Gen.OneOf(
            Gen.Elements("", ".", "..", "a", "A", "%2F", "%2e%2e", "blobs", "uploads", "manifests", "tags", "list", "referrers", "_catalog", "_pail", "v2", "é", "\0", "\\", "\ud800", ":", "-", "sha256:", Digest256, Digest512, new string('a', 300)),
            ArbMap.Default.GeneratorFor<string>().Select(text => text ?? ""));
        var path = piece.ListOf().Select(parts => "/v2/" + string.Join('/', parts.Take(8)));
        Prop.ForAll(path.ToArbitrary(), text =>
        {
            var error = RouteParser.Parse(text, reads: false, out var route);
            if (error is not null)
            {
                Assert.InRange(error.Status, 400, 404);
                return;
            }
            Assert.Equal(text.EndsWith("/blobs/uploads", StringComparison.Ordinal) ? text + "/" : text, PathOf(route));
            var repository = route.GetType().GetProperty("Repository")?.GetValue(route)?.ToString() ?? "a";
            Assert.True(RepositoryName.TryParse(repository, out _));
            Assert.Equal(route.GetType().GetProperty("Repository")?.GetValue(route), route.Scope);
        }).QuickCheckThrowOnFailure();
    }

    [Theory]
    [InlineData("", "NOT_FOUND")]
    [InlineData("v2/", "NOT_FOUND")]
    [InlineData("/v2x/", "NOT_FOUND")]
    [InlineData("/v2//", "NOT_FOUND")]
    [InlineData("/v2/a", "NOT_FOUND")]
    [InlineData("/v2/a/", "NOT_FOUND")]
    [InlineData("/v2/a/tags/list/", "NOT_FOUND")]
    [InlineData("/v2/a/tags/other", "NOT_FOUND")]
    [InlineData("/v2//tags/list", "NAME_INVALID")]
    [InlineData("/v2/A/blobs/uploads/", "NAME_INVALID")]
    [InlineData("/v2/_pail/x", "NAME_INVALID")]
    [InlineData("/v2/A/_pail/x", "NAME_INVALID")]
    [InlineData("/v2/a/blobs/uploads/x/y", "NOT_FOUND")]
    public void Parse_NoRoute_SaysWhatIsWrong(string path, string code) => Assert.Equal(code, RouteParser.Parse(path, reads: false, out _)!.Code);

    [Fact]
    public void Parse_LongestName_IsTaken()
    {
        Assert.Null(RouteParser.Parse($"/v2/{new string('a', 255)}/tags/list", reads: false, out _));
        Assert.Equal(RegistryError.NameInvalid.Code, RouteParser.Parse($"/v2/{new string('a', 256)}/tags/list", reads: false, out _)!.Code);
    }

    [Theory]
    [InlineData("GET", "/v2/", null, "Ping")]
    [InlineData("GET", "/v2/_catalog", null, "List")]
    [InlineData("GET", "/v2/a/tags/list", "a", "List")]
    [InlineData("HEAD", "/v2/a/b/manifests/1", "a/b", "Pull")]
    [InlineData("PUT", "/v2/a/b/manifests/1", "a/b", "Push")]
    [InlineData("DELETE", "/v2/a/b/manifests/1", "a/b", "Delete")]
    [InlineData("GET", "/v2/a/blobs/DIGEST", "a", "Pull")]
    [InlineData("DELETE", "/v2/a/blobs/DIGEST", "a", "Delete")]
    [InlineData("GET", "/v2/a/referrers/DIGEST", "a", "Pull")]
    [InlineData("POST", "/v2/a/blobs/uploads/", "a", "Push")]
    [InlineData("GET", "/v2/a/blobs/uploads/x", "a", "Push")]
    [InlineData("DELETE", "/v2/a/blobs/uploads/x", "a", "Push")]
    [InlineData("POST", "/v2/a/_pail/uploads", "a", "Push")]
    public void Request_OfARoute_SaysRepositoryAndAction(string method, string path, string? repository, string action)
    {
        Assert.Null(RegistryRequest.Parse(method, path.Replace("DIGEST", Digest256, StringComparison.Ordinal), out var request));
        Assert.Equal(repository, request.Route.Scope?.ToString());
        Assert.Equal(action, request.Action.ToString());
    }

    // What a route says it answers to in a 405 is what it does answer to.
    [Theory]
    [InlineData("/v2/")]
    [InlineData("/v2/_catalog")]
    [InlineData("/v2/a/tags/list")]
    [InlineData("/v2/a/manifests/1")]
    [InlineData("/v2/a/blobs/DIGEST")]
    [InlineData("/v2/a/referrers/DIGEST")]
    [InlineData("/v2/a/blobs/uploads/")]
    [InlineData("/v2/a/blobs/uploads/x")]
    [InlineData("/v2/a/_pail/uploads")]
    public void Request_OfAnyMethod_IsAnActionOrNotAllowed(string path)
    {
        foreach (var method in (string[])["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "get", ""])
        {
            var error = RegistryRequest.Parse(method, path.Replace("DIGEST", Digest256, StringComparison.Ordinal), out var request);
            var allowed = (error?.Allow ?? request.Route.Methods).Split(", ");
            Assert.Equal(allowed.Contains(method), error is null);
            Assert.True(error is null or { Status: 405 });
        }
    }
}
