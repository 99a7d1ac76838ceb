using System.CommandLine;
using Pail.Buckets.Layouts;
using Pail.Cli.Edge;
using Pail.Cli.Output;
using Pail.Places;
using Pail.S3;

namespace Pail.Cli.Commands;

/// <summary><c>pail edge nginx</c>, <c>caddy</c>, <c>cloudfront</c> and <c>cloudflare</c>.</summary>
internal sealed class EdgeCommand : Command
{
    public EdgeCommand(Terminal terminal)
        : base("edge", "Write the configuration of a web server or CDN that makes a bucket a registry for every client")
    {
        Add(new NginxVerb(terminal));
        Add(new CaddyVerb(terminal));
        Add(new CloudFrontVerb(terminal));
        Add(new CloudflareVerb(terminal));
        SetAction(parsed => new HelpWithExamples().Invoke(parsed));
    }
}

/// <summary>Writes the files of one kind of edge.</summary>
internal abstract class EdgeVerb : Verb
{
    private readonly Argument<string> _bucket = new("bucket") { HelpName = "BUCKET", Description = "s3://BUCKET or s3://BUCKET/PREFIX//" };
    private readonly Option<string?> _layout = new("--layout") { HelpName = "v2|pool", Description = "The bucket's layout, so that the bucket need not be asked [default: what the bucket says]" };
    private readonly Option<string?> _out = new("--out") { HelpName = "DIR", Description = "The folder to write to; made if it is not there [default: stdout, if there is one file]" };

    protected EdgeVerb(Terminal terminal, string name, string description)
        : base(terminal, name, description)
    {
        _layout.AcceptOnlyFromAmong("v2", "pool");
        Add(_bucket);
    }

    /// <summary>Adds the options of this kind of edge, then those of all.</summary>
    protected void AddOptions(params Option[] options)
    {
        foreach (var option in options)
            Add(option);
        Add(_layout);
        Add(_out);
        AddSharedOptions(json: false, quiet: true);
    }

    /// <summary>The files.</summary>
    protected abstract Task<IReadOnlyList<EdgeFile>> WriteAsync(VerbRun session, EdgeSite site, CancellationToken cancel);

    protected override async Task RunAsync(VerbRun session, CancellationToken cancel)
    {
        if (AddressParser.ParseRoot(session.Get(_bucket)) is not BucketRoot.Url root)
            throw Addressed.Bad(session.Get(_bucket), "is a folder, which a web server serves as it is: docs/nginx.md. An edge stands in front of a bucket, such as s3://acme.");
        var layout = BucketLayout.Named(session.Get(_layout)) ?? (await session.Places.OpenBucketAsync(root, cancel)).Layout;
        var files = await WriteAsync(session, new EdgeSite(root, BucketPlace.Find(session.Reach(root)), layout), cancel);
        if (session.Get(_out) is not { Length: > 0 } folder)
        {
            if (files.Count > 1)
                throw new PailException(Failure.BadInput, $"These are {files.Count} files: say where to write them with --out DIR.");
            session.Terminal.Lines.Write(files[0].Content);
            return;
        }
        Directory.CreateDirectory(folder);
        foreach (var file in files)
        {
            var path = Path.Combine(folder, file.Name);
            await File.WriteAllTextAsync(path, file.Content, cancel);
            session.Say($"Wrote {path}");
        }
    }
}

internal sealed class NginxVerb : EdgeVerb
{
    private readonly Option<string?> _listen = new("--listen") { HelpName = "[ADDRESS:]PORT", Description = "Where nginx listens [default: 80, or 443 with a certificate]" };
    private readonly Option<string?> _host = new("--host") { HelpName = "NAME", Description = "The host that clients pull from [default: any]" };
    private readonly Option<string?> _certificate = new("--tls-cert") { HelpName = "FILE", Description = "The certificate and its chain, as nginx finds it" };
    private readonly Option<string?> _key = new("--tls-key") { HelpName = "FILE", Description = "The key of the certificate, as nginx finds it" };
    private readonly Option<string?> _resolver = new("--resolver") { HelpName = "ADDRESS[,ADDRESS]", Description = "The name servers by which nginx finds the store [default: those of /etc/resolv.conf here]" };

    public NginxVerb(Terminal terminal)
        : base(terminal, "nginx", "Write a server block for nginx") =>
        AddOptions(_listen, _host, _certificate, _key, _resolver);

    public override IReadOnlyList<(string Line, string Says)> Examples =>
    [
        ("pail edge nginx s3://whale > /etc/nginx/conf.d/whale.conf", "at port 80, for a load balancer or proxy that has the certificate"),
        ("pail edge nginx s3://whale --host images.example.com --tls-cert /etc/ssl/images.pem --tls-key /etc/ssl/images.key", "with a certificate of its own"),
    ];

    protected override Task<IReadOnlyList<EdgeFile>> WriteAsync(VerbRun session, EdgeSite site, CancellationToken cancel)
    {
        var (certificate, key) = (session.Get(_certificate), session.Get(_key));
        if (certificate is null != key is null)
            throw new PailException(Failure.BadInput, "--tls-cert and --tls-key go together.");
        IReadOnlyList<string>? resolver = null;
        if (site.Place.Address.HostNameType == UriHostNameType.Dns)
            resolver = session.Get(_resolver)?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? NameServers();
        return Task.FromResult<IReadOnlyList<EdgeFile>>([NginxEdge.Write(site, session.Get(_listen), session.Get(_host), certificate is null ? null : (certificate, key!), resolver)]);
    }

    // nginx has no resolver of its own, and would otherwise keep the addresses it found when it started: those of S3 change.
    private static string[] NameServers()
    {
        const string file = "/etc/resolv.conf";
        string[] found = !File.Exists(file) ? [] : [.. File.ReadLines(file).Select(line => line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries))
            .Where(words => words is ["nameserver", _, ..]).Select(words => words[1].Contains(':', StringComparison.Ordinal) ? $"[{words[1]}]" : words[1])];
        return found.Length > 0 ? found : throw new PailException(Failure.BadInput, $"{file} names no name server: say --resolver ADDRESS.");
    }
}

internal sealed class CaddyVerb : EdgeVerb
{
    private readonly Option<string?> _listen = new("--host") { HelpName = "ADDRESS", Description = "The host that clients pull from, for which Caddy gets a certificate, or http://HOST[:PORT], or :PORT [default: :80]" };

    public CaddyVerb(Terminal terminal)
        : base(terminal, "caddy", "Write a Caddyfile") =>
        AddOptions(_listen);

    public override IReadOnlyList<(string Line, string Says)> Examples =>
    [
        ("pail edge caddy s3://whale --host images.example.com > Caddyfile", "with a certificate that Caddy gets by itself"),
    ];

    protected override Task<IReadOnlyList<EdgeFile>> WriteAsync(VerbRun session, EdgeSite site, CancellationToken cancel) =>
        Task.FromResult<IReadOnlyList<EdgeFile>>([CaddyEdge.Write(site, session.Get(_listen) ?? ":80")]);
}

internal sealed class CloudFrontVerb : EdgeVerb
{
    private readonly Option<string?> _host = new("--host") { HelpName = "NAME", Description = "The host that clients pull from [default: one of cloudfront.net]" };
    private readonly Option<string?> _certificate = new("--certificate") { HelpName = "ARN", Description = "The certificate of that host, in us-east-1" };
    private readonly Option<string?> _signedBy = new("--signed-by") { HelpName = "FILE", Description = "A public key, PEM: every request then needs a URL or cookies signed with its private key" };

    public CloudFrontVerb(Terminal terminal)
        : base(terminal, "cloudfront", "Write a CloudFront distribution, for Terraform and for the AWS command line") =>
        AddOptions(_host, _certificate, _signedBy);

    public override IReadOnlyList<(string Line, string Says)> Examples =>
    [
        ("pail edge cloudfront s3://acme --out edge && cd edge && terraform init && terraform apply", "or, without Terraform, sh aws-cli.sh"),
        ("pail edge cloudfront s3://acme --out edge --signed-by key.pub", "private: for 'pail serve --redirect-base' with a key pair"),
    ];

    protected override async Task<IReadOnlyList<EdgeFile>> WriteAsync(VerbRun session, EdgeSite site, CancellationToken cancel)
    {
        if (!site.Place.IsAws)
            throw new PailException(Failure.BadInput, $"{site.Root} is at {site.Place.Address.Host}, and CloudFront signs requests to Amazon's S3 alone. Write an edge for nginx or Caddy.");
        var (host, certificate) = (session.Get(_host), session.Get(_certificate));
        if (host is null != certificate is null)
            throw new PailException(Failure.BadInput, "--host and --certificate go together.");
        var key = session.Get(_signedBy) is { } file ? await File.ReadAllTextAsync(file, cancel) : null;
        if (key?.TrimStart().StartsWith("-----BEGIN PUBLIC KEY-----", StringComparison.Ordinal) == false)
            throw new PailException(Failure.BadContent, $"{session.Get(_signedBy)} is not a public key in PEM. 'openssl rsa -pubout' makes it from the private one.");
        return CloudFrontEdge.Write(site, host is null ? null : (host, certificate!), key);
    }
}

internal sealed class CloudflareVerb : EdgeVerb
{
    private readonly Option<string?> _host = new("--host") { HelpName = "NAME", Description = "The host that clients pull from, of a zone at Cloudflare [default: one of workers.dev]" };

    public CloudflareVerb(Terminal terminal)
        : base(terminal, "cloudflare", "Write a Worker over a bucket of R2") =>
        AddOptions(_host);

    public override IReadOnlyList<(string Line, string Says)> Examples =>
    [
        ("pail edge cloudflare s3://acme --out edge --host images.example.com && cd edge && npx wrangler deploy", "the bucket itself stays closed"),
    ];

    protected override Task<IReadOnlyList<EdgeFile>> WriteAsync(VerbRun session, EdgeSite site, CancellationToken cancel) =>
        Task.FromResult(CloudflareEdge.Write(site, session.Get(_host)));
}
