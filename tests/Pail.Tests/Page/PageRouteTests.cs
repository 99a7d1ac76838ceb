using Pail.Server.Page;

namespace Pail.Tests.Page;

public sealed class PageRouteTests
{
    private static readonly string Hex = new('a', 64);

    [Theory]
    [InlineData("/", "", null, null)]
    [InlineData("/-/state", "state", null, null)]
    [InlineData("/-/tags/team/app", "tags", "team/app", null)]
    [InlineData("/-/image/team/app:1.0", "image", "team/app", "1.0")]
    [InlineData("/-/image/app@sha256:HEX", "image", "app", "sha256:HEX")]
    public void Parse_PathOfAView_IsRead(string path, string view, string? repository, string? reference)
    {
        var route = PageRoute.Parse(path.Replace("HEX", Hex, StringComparison.Ordinal));
        Assert.Equal((view, repository, reference?.Replace("HEX", Hex, StringComparison.Ordinal)), (route!.View, route.Repository?.ToString(), route.Reference?.ToString()));
    }

    [Theory]
    [InlineData("/v2/")]
    [InlineData("/x")]
    [InlineData("//")]
    [InlineData("/-")]
    [InlineData("/-/image/")]
    [InlineData("/-/image/Team/app:1")]
    [InlineData("/-/image/team/../app:1")]
    [InlineData("/-/image/team/app:")]
    [InlineData("/-/image/team/app:sha256:HEX")]
    [InlineData("/-/image/team/app@1.0")]
    [InlineData("/-/image/team/app:1@sha256:HEX")]
    [InlineData("/-/image/team%2Fapp:1")]
    public void Parse_OtherPath_IsNone(string path) => Assert.Null(PageRoute.Parse(path.Replace("HEX", Hex, StringComparison.Ordinal)));

    [Theory]
    [InlineData("/", true)]
    [InlineData("/?q=a", true)]
    [InlineData("/-/tags/app", true)]
    [InlineData("//evil.example/", false)]
    [InlineData("/\\evil.example", false)]
    [InlineData("https://evil.example/", false)]
    [InlineData("/-/x\r\nSet-Cookie: a=b", false)]
    [InlineData("javascript:alert(1)", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public void IsOwn_OnlyPathsOfThePage(string? target, bool own) => Assert.Equal(own, PageRoute.IsOwn(target));
}
