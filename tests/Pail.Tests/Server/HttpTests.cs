using System.Net;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.AspNetCore.Http;
using Pail.Server.Http;
using Pail.Server.Running;

namespace Pail.Tests.Server;

public sealed class HttpTests
{
    private static RangeAnswer Part(long first, long length) => new(RangeKind.Part, first, length);

    [Fact]
    public void Range_AnyFromTo_IsThePartOfTheWholeOrUnsatisfiable() =>
        Prop.ForAll<PositiveInt, NonNegativeInt, NonNegativeInt>((size, from, to) =>
        {
            var answer = RangeHeader.Read($"bytes={from.Get}-{to.Get}", size.Get);
            var wanted = Enumerable.Range(0, size.Get).Where(at => at >= from.Get && at <= to.Get).ToList();
            Assert.Equal(wanted.Count == 0 ? new(RangeKind.Unsatisfiable) : Part(wanted[0], wanted.Count), answer);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Range_AnySuffix_IsTheEnd() =>
        Prop.ForAll<PositiveInt, PositiveInt>((size, length) =>
            Assert.Equal(Part(Math.Max(0, size.Get - length.Get), Math.Min(size.Get, length.Get)), RangeHeader.Read($"bytes=-{length.Get}", size.Get))).QuickCheckThrowOnFailure();

    [Fact]
    public void Range_AnyText_IsWithinTheWhole() =>
        Prop.ForAll<string, NonNegativeInt>((text, size) =>
        {
            var answer = RangeHeader.Read("bytes=" + text, size.Get);
            Assert.True(answer.Kind != RangeKind.Part || (answer.First >= 0 && answer.Length > 0 && answer.First + answer.Length <= size.Get));
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(null, RangeKind.Whole)]
    [InlineData("", RangeKind.Whole)]
    [InlineData("bytes=", RangeKind.Whole)]
    [InlineData("bytes=-", RangeKind.Whole)]
    [InlineData("bytes=a-b", RangeKind.Whole)]
    [InlineData("bytes=1-2,4-5", RangeKind.Whole)]
    [InlineData("bytes=+1-2", RangeKind.Whole)]
    [InlineData("lines=1-2", RangeKind.Whole)]
    [InlineData("Bytes=0-", RangeKind.Part)]
    [InlineData("bytes= 0 - 5 ", RangeKind.Part)]
    [InlineData("bytes=99999999999999999999-", RangeKind.Unsatisfiable)]
    public void Range_Form_IsReadOrIgnored(string? header, object kind) => Assert.Equal((RangeKind)kind, RangeHeader.Read(header, 10).Kind);

    [Fact]
    public void Range_OfNothing_HasNoPart()
    {
        Assert.Equal(RangeKind.Unsatisfiable, RangeHeader.Read("bytes=0-", 0).Kind);
        Assert.Equal(RangeKind.Whole, RangeHeader.Read("bytes=-5", 0).Kind);
    }

    [Theory]
    [InlineData("abc-1_2.X", true)]
    [InlineData("", false)]
    [InlineData("with space", false)]
    [InlineData("\"quoted\"", false)]
    [InlineData("0123456789012345678901234567890123456789012345678901234567890123456789", false)]
    public void RequestId_Sent_IsKeptIfItIsPlain(string sent, bool kept)
    {
        var context = Request("1.1.1.1");
        context.Request.Headers[RequestIds.Header] = sent;
        Assert.Equal(kept, RequestIds.Of(context) == sent);
        Assert.NotEmpty(RequestIds.Of(context));
    }

    private static DefaultHttpContext Request(string peer)
    {
        var context = new DefaultHttpContext();
        context.Connection.RemoteIpAddress = IPAddress.Parse(peer);
        context.Request.Scheme = "http";
        context.Request.Host = new HostString("own", 5000);
        return context;
    }
}
