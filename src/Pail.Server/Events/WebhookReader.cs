using System.Text;
using Pail.Oci;
using Pail.Policies;

namespace Pail.Server.Events;

/// <summary>Reads the file of webhooks. docs/watch.md has its grammar.</summary>
internal sealed class WebhookReader(List<PolicyProblem> found) : NodeReader(found)
{
    private const int MaxSize = 256 << 10;

    private static readonly string[] Actions = ["push", "pull", "delete"];

    /// <summary>Reads a file.</summary>
    /// <exception cref="PailException">It can't be read, or says nothing that can be done; the message has line and column. Secrets are never in it.</exception>
    public static WebhookOptions ReadFile(string file)
    {
        var name = SafeText.OneLine(file);
        string text;
        try
        {
            text = File.ReadAllText(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new PailException(Failure.BadInput, $"{name}: the webhooks can't be read: {SafeText.OneLine(e.Message)}", e);
        }
        if (text.Length > MaxSize)
            throw new PailException(Failure.BadInput, $"{name}: a file of webhooks has at most {ByteSize.Format(MaxSize)}.");
        var problems = new List<PolicyProblem>();
        var options = new WebhookReader(problems).Read(text);
        return problems.Count == 0 ? options : throw new PailException(Failure.BadInput, $"{name}:{problems[0]}.");
    }

    /// <summary>Reads a text; what is wrong with it is added to the problems.</summary>
    public WebhookOptions Read(string text)
    {
        var options = new WebhookOptions([]);
        if (YamlNode.Read(text, Found) is not { } root)
            return options;
        List<Webhook> hooks = [];
        TimeSpan? keep = null;
        Map(root, "a file of webhooks",
            ("webhooks", node => hooks = List(node, "a webhook", Hook)),
            ("keep", node => keep = Time(node)));
        if (hooks.GroupBy(hook => hook.Name).FirstOrDefault(group => group.Count() > 1) is { } twice)
            Wrong(root, $"two webhooks are named '{SafeText.OneLine(twice.Key)}'");
        return options with { Hooks = hooks, Keep = keep ?? options.Keep };
    }

    private Webhook? Hook(YamlNode node)
    {
        string? name = null;
        Uri? address = null;
        byte[]? secret = null;
        var (format, headers) = (EventFormat.Distribution, new List<(string, string)>());
        List<string>? actions = null;
        List<Glob>? repositories = null, except = null;
        if (!Map(node, "a webhook",
            ("name", value => name = Text(value, "a name") is { } said ? SafeText.OneLine(said, 60) : null),
            ("url", value => address = Address(value)),
            ("format", value => format = Format(value)),
            ("secret", value => secret = Secret(value, Text(value, "a secret"))),
            ("secret-file", value => secret = SecretFile(value)),
            ("headers", value => headers.AddRange(Entries(value, "headers are expected, such as 'Authorization: Bearer ...'").Select(entry => (entry.Key.Text, Text(entry.Value, "a value") ?? "")))),
            ("actions", value => actions = List(value, "an action", Action)),
            ("repositories", value => repositories = Repositories(value)),
            ("except-repositories", value => except = Repositories(value))))
            return null;
        if (address is null || name is null)
        {
            Wrong(node, address is null ? "where to? write 'url: https://...'" : "what is it called? write 'name: ...', which logs show");
            return null;
        }
        var hook = new Webhook(name, address) { Format = format, Secret = secret, Headers = headers };
        return hook with
        {
            Actions = actions is null ? hook.Actions : actions.ToHashSet(StringComparer.Ordinal),
            Repositories = new(repositories ?? [Glob.OfRepositories("**")], except ?? []),
        };
    }

    private Uri? Address(YamlNode node)
    {
        if (Text(node, "an address") is not { } text)
            return null;
        if (Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme is "http" or "https" && address.UserInfo.Length == 0)
            return address;
        Wrong(node, "http://HOST/PATH or https://HOST/PATH is expected, without credentials: those go into headers");
        return null;
    }

    private EventFormat Format(YamlNode node)
    {
        if (node is YamlText { Text: "distribution" or "cloudevents" } text)
            return text.Text == "cloudevents" ? EventFormat.CloudEvents : EventFormat.Distribution;
        Wrong(node, "distribution or cloudevents is expected");
        return default;
    }

    private string? Action(YamlNode node)
    {
        if (node is YamlText { Text: var word } && Actions.Contains(word))
            return word;
        Wrong(node, $"an action is expected: {string.Join(", ", Actions)}");
        return null;
    }

    private byte[]? SecretFile(YamlNode node)
    {
        if (Text(node, "a file") is not { } file)
            return null;
        try
        {
            return Secret(node, File.ReadAllText(file).Trim());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Wrong(node, $"the secret can't be read: {SafeText.OneLine(e.Message)}");
            return null;
        }
    }

    // Source: Standard Webhooks, "Signature scheme": a secret that begins so is in base64.
    private byte[]? Secret(YamlNode node, string? text)
    {
        if (text is null)
            return null;
        var secret = new byte[text.Length];
        if (text.StartsWith("whsec_", StringComparison.Ordinal) && Convert.TryFromBase64String(text[6..], secret, out var length))
            return Long(node, secret[..length]);
        return Long(node, Encoding.UTF8.GetBytes(text));
    }

    private byte[]? Long(YamlNode node, byte[] secret)
    {
        if (secret.Length >= 16)
            return secret;
        Wrong(node, "a secret has at least 16 characters");
        return null;
    }
}
