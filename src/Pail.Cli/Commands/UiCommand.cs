using System.CommandLine;
using System.ComponentModel;
using System.Diagnostics;
using System.Net;
using Pail.Cli.Output;
using Pail.Places;
using Pail.Server;
using Pail.Server.Page;

namespace Pail.Cli.Commands;

/// <summary><c>pail ui</c>: the page of the server over any bucket that can be read, on loopback alone, until a signal comes. Nothing can be changed through it.</summary>
internal sealed class UiCommand : Verb
{
    private readonly Argument<string> _bucket = new("bucket") { HelpName = "BUCKET", Description = "s3://BUCKET[/PREFIX//] or file:DIR" };
    private readonly Option<int?> _port = new("--port") { HelpName = "N", Description = "The port on 127.0.0.1 [default: any that is free]" };
    private readonly Option<bool> _noBrowser = new("--no-browser") { Description = "Print the address, and open nothing" };

    public UiCommand(Terminal terminal)
        : base(terminal, "ui", "Look into a bucket with a browser")
    {
        Add(_bucket);
        Add(_port);
        Add(_noBrowser);
        AddSharedOptions(json: false, moves: true);
    }

    public override IReadOnlyList<(string Line, string Says)> Examples =>
    [
        ("pail ui s3://acme", "opens the page in the browser of this machine; Ctrl-C ends it"),
        ("pail ui file:./images --port 8080 --no-browser", "at http://127.0.0.1:8080/"),
    ];

    protected override async Task RunAsync(VerbRun session, CancellationToken cancel)
    {
        if (AddressParser.Parse(session.Get(_bucket)) is not Address.Bucket { Repository: null } address)
            throw Addressed.Bad(session.Get(_bucket), "a bucket is expected, s3://BUCKET or file:DIR.");
        if (session.Get(_port) is < 0 or > 65535)
            throw new PailException(Failure.BadInput, "--port: a number up to 65535 is expected.");
        var bucket = await session.Places.OpenBucketAsync(address.Root, cancel);
        var options = new ServerOptions
        {
            Listen = [new(IPAddress.Loopback, session.Get(_port) ?? 0)],
            ReadOnly = true,
            SweepInterval = TimeSpan.Zero,
            Page = new PageOptions(session.Places.Meter) { LoopbackNamesOnly = true },
        };
        await using var server = RegistryServer.Build(options, bucket);
        await ServeCommand.ListenAsync(server, options.Listen, cancel);
        var url = server.Urls.First();
        session.Terminal.Error.WriteLine($"{bucket.Name} is at {url}/ until Ctrl-C");
        if (!session.Get(_noBrowser) && session.Terminal.Interactive)
            OpenBrowser(url, session);
        await RegistryServer.WaitAsync(server, cancel);
        await server.StopAsync(CancellationToken.None);
    }

    // Best effort: the address is on the screen.
    private static void OpenBrowser(string url, VerbRun session)
    {
        if (OperatingSystem.IsLinux() && Environment.GetEnvironmentVariable("DISPLAY") is null or "" && Environment.GetEnvironmentVariable("WAYLAND_DISPLAY") is null or "")
            return;
        var opener = OperatingSystem.IsWindows() ? "explorer" : OperatingSystem.IsMacOS() ? "open" : "xdg-open";
        try
        {
            using var browser = Process.Start(new ProcessStartInfo(opener, [url + "/"]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true });
        }
        catch (Exception e) when (e is Win32Exception or InvalidOperationException)
        {
            session.Say($"No browser could be opened: {Oci.SafeText.OneLine(e.Message)}");
        }
    }
}
