using FsCheck;
using FsCheck.Fluent;
using Pail.Cli.Output;
using Pail.Io;
using Pail.Oci;
using Pail.Places;
using Pail.Stores;
using Pail.Tests.Kit;

namespace Pail.Tests.Cli;

public sealed class OutputTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("1024", 1024)]
    [InlineData("64MiB", 64 << 20)]
    [InlineData("64 MiB", 64 << 20)]
    [InlineData("64m", 64 << 20)]
    [InlineData("1.5K", 1536)]
    [InlineData("100MB", 100_000_000)]
    [InlineData("2GiB", 2L << 30)]
    public void ByteSize_AsPeopleWriteIt_IsRead(string text, long bytes)
    {
        Assert.True(ByteSize.TryParse(text, out var read));
        Assert.Equal(bytes, read);
    }

    [Theory]
    [InlineData("")]
    [InlineData("MiB")]
    [InlineData("-1")]
    [InlineData("1e3")]
    [InlineData("1XB")]
    [InlineData("1 2")]
    [InlineData("99999999TiB")]
    public void ByteSize_AnythingElse_IsNot(string text) => Assert.False(ByteSize.TryParse(text, out _));

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(1024, "1.0 KiB")]
    [InlineData(1536, "1.5 KiB")]
    [InlineData((99 << 10) + 512, "99.5 KiB")]
    [InlineData(100 << 10, "100 KiB")]
    [InlineData((1 << 20) - 1, "1.0 MiB")]
    [InlineData(5L << 40, "5.0 TiB")]
    public void ByteSize_Written_HasItsUnit(long bytes, string text) => Assert.Equal(text, ByteSize.Format(bytes));

    [Fact]
    public void ByteSize_AnySize_FitsItsColumn() =>
        Prop.ForAll<long>(bytes => ByteSize.Format(Math.Abs(bytes % (1L << 50))).Length <= 8).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(0.04, "0.0 s")]
    [InlineData(9.94, "9.9 s")]
    [InlineData(9.96, "10 s")]
    [InlineData(59.6, "1:00")]
    [InlineData(185, "3:05")]
    [InlineData(3599.7, "1:00:00")]
    [InlineData(3723, "1:02:03")]
    [InlineData(1e9, "days")]
    public void Duration_Written_IsReadable(double seconds, string text) => Assert.Equal(text, Duration.Format(TimeSpan.FromSeconds(seconds)));

    [Theory]
    [InlineData("500ms", 0.5)]
    [InlineData("30s", 30)]
    [InlineData("30", 30)]
    [InlineData("1.5", 1.5)]
    [InlineData("15m", 900)]
    [InlineData("15M", 900)]
    [InlineData("1.5h", 5400)]
    [InlineData("1h30m", 5400)]
    [InlineData("2h 5s", 7205)]
    [InlineData("7d", 604_800)]
    [InlineData("2w", 1_209_600)]
    [InlineData(" 0 ", 0)]
    public void Duration_AsPeopleWriteIt_IsRead(string text, double seconds) => Assert.Equal(seconds, Duration.Parse(text).TotalSeconds);

    [Theory]
    [InlineData("")]
    [InlineData("s")]
    [InlineData("-1s")]
    [InlineData("1e3")]
    [InlineData("1h30")]
    [InlineData("1 2")]
    [InlineData("1.2.3s")]
    [InlineData("1y")]
    [InlineData("9999999999999999999999999999999999")]
    [InlineData("99999999999w")]
    public void Duration_AnythingElse_SaysWhatIsExpected(string text) => Assert.Contains("such as 500ms", Assert.Throws<FormatException>(() => Duration.Parse(text)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("--memory: a size is expected", "push", "--memory", "lots", "app:1", "file:x//app:1")]
    [InlineData("--memory: at least 16", "push", "--memory", "1.5M", "app:1", "file:x//app:1")]
    [InlineData("--addressing-style: auto, path or virtual is expected", "ls", "--addressing-style", "both", "file:x")]
    public async Task Option_ThatIsBad_SaysWhatItShouldBe(string expected, params string[] arguments) =>
        Assert.Contains(expected, (await Command.RunAsync(arguments)).Ended(Pail.Cli.ExitCode.BadUsage).OneLine(), StringComparison.Ordinal);

    [Fact]
    public void Columns_OfDifferentWidth_LineUp()
    {
        using var text = new StringWriter();
        Columns.Write(text, [["a", "100", "x"], ["bbb", "1", "yy"]], new HashSet<int> { 1 }, indent: 1);
        Assert.Equal([" a    100  x", " bbb    1  yy", ""], text.ToString().Split(Environment.NewLine));
    }

    [Theory]
    [InlineData("app", "app", null)]
    [InlineData("app:1.0", "app", "1.0")]
    [InlineData("team/app:1.0", "team/app", "1.0")]
    [InlineData("localhost/app:1", "app", "1")]
    [InlineData("localhost:5000/team/app", "team/app", null)]
    [InlineData("example.com/team/app:1@sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "team/app", "1")]
    [InlineData("sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", null, null)]
    [InlineData("oci:dir:1.0", null, "1.0")]
    [InlineData("oci:dir:example.com/app:1.0", "app", "1.0")]
    [InlineData("oci:dir", null, null)]
    [InlineData("s3://acme/app:1", "app", "1")]
    public void Destinations_WhatASourceIsCalled_NamesTheDestination(string source, string? name, string? tag)
    {
        var found = Destinations.NameOf(AddressParser.Parse(source));
        Assert.Equal((name, tag), (found.Name?.ToString(), found.Tag));
    }

    [Theory]
    [InlineData("app:1.0", "s3://acme", "s3://acme/app:1.0")]
    [InlineData("app", "s3://acme", "s3://acme/app:latest")]
    [InlineData("app:1.0", "s3://acme/other", "s3://acme/other:1.0")]
    [InlineData("app:1.0", "s3://acme/other:2", "s3://acme/other:2")]
    [InlineData("oci:dir", "file:b//app", "file:b//app:latest")]
    [InlineData("example.com/team/app:1", "s3://acme/p//", "s3://acme/p//team/app:1")]
    public void Destinations_InABucket_AreCompletedFromTheSource(string source, string destination, string whole) =>
        Assert.Equal(whole, Destinations.InBucket(destination, AddressParser.Parse(source)).ToString());

    [Theory]
    [InlineData("oci:dir", "s3://acme")]
    [InlineData("sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "s3://acme")]
    public void Destinations_NothingToCompleteFrom_IsBadInput(string source, string destination) =>
        Assert.Equal(Failure.BadInput, Assert.Throws<PailException>(() => Destinations.InBucket(destination, AddressParser.Parse(source))).Failure);

    [Fact]
    public void Tally_BlobsThatWereThere_AreNotCountedAsMoved()
    {
        var tally = new CopyTally(null);
        var (first, second) = (Blob(100), Blob(50));
        tally.Expect([first, second]);
        tally.Expect([first]);
        Assert.Equal(150, tally.ToMove);
        var sent = tally.Begin(first);
        sent.Advance(120);
        sent.Advance(-20);
        sent.Done(BlobOutcome.Sent);
        tally.Begin(second).Done(BlobOutcome.Existed);
        Assert.Equal((100, 100, 2), (tally.Moved, tally.ToMove, tally.Done));
    }

    [Theory]
    [InlineData(0, 100, 1, "0 B of 100 B, 0 B/s")]
    [InlineData(50, 150, 5, "50 B of 150 B, 10 B/s, 10 s left")]
    public void PlainView_Line_TellsSpeedAndTimeLeft(long moved, long toMove, double seconds, string line) =>
        Assert.Equal(line, PlainView.Line(moved, toMove, TimeSpan.FromSeconds(seconds)));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task BarView_OnATerminal_DrawsBarsAndLeavesALineABlob(bool color)
    {
        await using var screen = new Screen();
        var terminal = new Terminal(Stream.Null, screen) { Interactive = true, Ink = new Ink(color) };
        var drawn = await BarView.RunAsync(terminal, async tally =>
        {
            tally.Expect([Blob(1 << 20), Blob(2 << 20)]);
            var large = tally.Begin(Blob(2 << 20));
            tally.Begin(Blob(1 << 20)).Done(BlobOutcome.Existed);
            large.Advance(1 << 20);
            var bars = "";
            await Eventually.TrueAsync(() => (bars = screen.ToString()).Contains("1.0 MiB of 2.0 MiB", StringComparison.Ordinal) && bars.Contains("1 blob done", StringComparison.Ordinal), () => bars);
            large.Advance(1 << 20);
            large.Done(BlobOutcome.Sent);
            return bars;
        });
        Assert.DoesNotContain("2.0 MiB of 2.0 MiB", drawn, StringComparison.Ordinal);
        Assert.Contains("there already", screen.ToString(), StringComparison.Ordinal);
        Assert.Contains("sent", screen.ToString(), StringComparison.Ordinal);
        Assert.Equal(color, screen.ToString().Contains("\e[32m", StringComparison.Ordinal) || screen.ToString().Contains("\e[38;", StringComparison.Ordinal));
        Assert.Null(terminal.Aside);
    }

    [Fact]
    public void CostReport_OfKnownRequests_AddsUp()
    {
        var meter = new RequestMeter();
        meter.Count(StoreOperation.PutObject);
        meter.Count(StoreOperation.HeadObject);
        meter.Count(StoreOperation.DeleteObject);
        var report = CostReport.Of(meter);
        Assert.Equal((1, 1, 1, 0.0000054m), (report.ClassA, report.ClassB, report.Free, report.PriceUsd));
        using var text = new StringWriter();
        CostReport.Write(meter, text, default);
        Assert.Contains("$0.0000054", text.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Progress_WhileTheSourceReadsAhead_TellsHowMuch()
    {
        var tally = new CopyTally(null);
        Assert.Equal("reading the image", PlainView.Line(tally));
        tally.Reading(() => 3 << 20);
        Assert.Equal("reading the image: 3.0 MiB", PlainView.Line(tally));
        // Layers that are made are sent meanwhile.
        tally.Begin(Blob(100)).Advance(100);
        Assert.Equal("reading the image: 3.0 MiB; sent 100 B", PlainView.Line(tally));
        tally.Reading(null);
        Assert.StartsWith("100 B of 100 B", PlainView.Line(tally), StringComparison.Ordinal);
        await using var screen = new Screen();
        var drawn = await BarView.RunAsync(new Terminal(Stream.Null, screen) { Interactive = true }, async shown =>
        {
            shown.Reading(() => 3 << 20);
            await DrawnAsync("reading the image.*3.0 MiB");
            shown.Begin(Blob(1 << 20)).Advance(1 << 19);
            await DrawnAsync("reading, 3.0 MiB.*512 KiB of 1.0 MiB");
            return true;
        });
        Assert.True(drawn);

        Task DrawnAsync(string pattern) => Eventually.TrueAsync(() => System.Text.RegularExpressions.Regex.IsMatch(screen.ToString(), pattern, System.Text.RegularExpressions.RegexOptions.NonBacktracking), screen.ToString);
    }

    [Fact]
    public async Task RetryNotice_ManyFailuresAtOnce_IsOneLineWithoutSecrets()
    {
        await using var error = new StringWriter();
        var notice = new RetryNotice(new Terminal(Stream.Null, error));
        Parallel.For(0, 16, _ => notice.Tell(new IOException("http://user:password@host broke\nin two")));
        Assert.Equal("Trying again: http://...@host broke?in two", error.ToString().Trim());
    }

    private static Descriptor Blob(long size) => new(MediaTypes.OciLayerGzip, Digest.Of(BitConverter.GetBytes(size)), size);
}
