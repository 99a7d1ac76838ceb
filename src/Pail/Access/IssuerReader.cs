using Pail.Oci;
using Pail.Policies;

namespace Pail.Access;

/// <summary>Reads the issuers of identity tokens.</summary>
internal sealed class IssuerReader(List<PolicyProblem> found) : NodeReader(found)
{
    // Signatures by keys that an issuer publishes: no shared secrets, and never "none". Source: RFC 7518, 3.1.
    private static readonly string[] Algorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"];

    public IReadOnlyDictionary<string, TokenIssuer> Read(YamlNode node)
    {
        var issuers = new Dictionary<string, TokenIssuer>(StringComparer.Ordinal);
        foreach (var (key, value) in Entries(node, "issuers is written as names with what is known of them, such as 'github: {issuer: https://..., audience: ...}'"))
        {
            Uri? url = null;
            List<string>? audiences = null, algorithms = null;
            Map(value, "an issuer",
                ("issuer", item => url = Parsed(item, "the URL of the issuer", Url)),
                ("audience", item => audiences = List(item, "an audience", one => Text(one, "an audience"))),
                ("algorithms", item => algorithms = List(item, "an algorithm", Algorithm)));
            if (url is null)
                Wrong(value, "which issuer? write 'issuer: https://token.actions.githubusercontent.com', the iss of its tokens");
            if (audiences is null)
                Wrong(value, "for whom must its tokens be? write 'audience: ' and what the workload asks a token for, such as this registry's address");
            if (url is not null && !issuers.TryAdd(key.Text, new(url, audiences ?? [], algorithms ?? ["RS256"])))
                Wrong(key, $"the issuer '{SafeText.OneLine(key.Text)}' is there twice: write one");
        }
        foreach (var twice in issuers.GroupBy(issuer => issuer.Value.Issuer.OriginalString).Where(same => same.Count() > 1))
            Wrong(node, $"{SafeText.OneLine(twice.Key)} has two names: write one, with both audiences");
        return issuers;
    }

    private string? Algorithm(YamlNode node)
    {
        if (node is YamlText { Text: var name } && Algorithms.Contains(name))
            return name;
        Wrong(node, $"an algorithm is expected: {string.Join(", ", Algorithms)}");
        return null;
    }

    // Keys that came over plain HTTP prove nothing; loopback is for trials.
    private static Uri Url(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && url.UserInfo.Length == 0 && url.Query.Length == 0 && url.Fragment.Length == 0 && (url.Scheme == "https" || (url.Scheme == "http" && url.IsLoopback))
            ? url
            : throw new FormatException("https://HOST[/PATH] is expected");
}
