using Pail.Oci;

namespace Pail.Server.Page.Views;

/// <summary>How to pull an image.</summary>
internal static class PullPart
{
    public static Html Show(PageRequest page, Reference reference)
    {
        var request = page.Context.Request;
        var image = $"{request.Host.Value}/{page.Repository}{(reference.Digest is null ? ":" : "@")}{reference}";
        var plain = !request.IsHttps;
        (string Name, string Line)[] lines =
        [
            ("docker", $"docker pull {image}"),
            ("podman", $"podman pull {(plain ? "--tls-verify=false " : "")}{image}"),
            ("ctr", $"ctr images pull {(plain ? "--plain-http " : "")}{image}"),
            ("pail", $"pail pull {(plain && !Running.Forwarding.NamesLoopback(request.Host) ? "--plain-http " : "")}docker://{image}"),
        ];
        return $"""
            <section><h2>Pull</h2>
            <dl class="pull">{lines.Select(line => (Html)$"""<dt>{line.Name}</dt><dd><code data-copy="{line.Line}" data-what="the command for {line.Name}">{line.Line}</code></dd>""")}</dl>
            </section>
            """;
    }
}
