using System.CommandLine;
using Pail.Cli.Output;
using Pail.Oci;
using Pail.Places;
using Pail.Remote;
using Pail.Remote.Credentials;

namespace Pail.Cli.Commands;

internal sealed class LoginCommand : Verb
{
    // No password is longer; some tokens nearly are.
    private const int MaxPassword = 64 << 10;

    // Pail's server takes any name with an identity token; so do most others.
    private const string AnyUser = "oidc";

    private static readonly string[] Schemes = ["https://", "http://", "docker://"];

    private readonly Argument<string> _registry = HostArgument();
    private readonly Option<string?> _user = new("--username", "-u") { HelpName = "NAME", Description = "The user name [default: asked for]" };
    private readonly Option<string?> _identity = new("--identity-token") { HelpName = "FILE|env:NAME", Description = "Log in with the OIDC identity token in a file or a variable, as CI services and Kubernetes give them" };
    private readonly Option<bool> _stdin = new("--password-stdin") { Description = "Read the password from stdin [default: asked for]" };

    public LoginCommand(Terminal terminal)
        : base(terminal, "login", "Log in to a registry, for Pail and docker")
    {
        Add(_registry);
        Add(_user);
        Add(_stdin);
        Add(_identity);
        AddSharedOptions(json: false, quiet: true, store: false, registries: true);
    }

    public override IReadOnlyList<(string Line, string Says)> Examples =>
    [
        ("pail login registry.example.com", "asks for user name and password"),
        ("pail login -u ci --password-stdin registry.example.com < password.txt", "in a script; no password is ever an argument"),
        ("pail login --identity-token env:ID_TOKEN registry.example.com", "in a job of GitLab or GitHub Actions, without a stored secret"),
    ];

    /// <summary>The registry that login and logout are about.</summary>
    public static Argument<string> HostArgument() => new("registry") { HelpName = "REGISTRY", Description = "HOST[:PORT]", DefaultValueFactory = _ => "docker.io" };

    /// <summary>The host of a registry; scheme and path, as people copy them from elsewhere, are cut off, as docker does.</summary>
    public static string Host(string text) =>
        HostAlone(text[(Schemes.FirstOrDefault(scheme => text.StartsWith(scheme, StringComparison.OrdinalIgnoreCase)) ?? "").Length..].Split('/')[0]);

    /// <summary>The host of a registry where a scheme would contradict what is asked.</summary>
    public static string HostAlone(string text)
    {
        try
        {
            return AddressParser.RegistryHost(text);
        }
        catch (FormatException e)
        {
            throw new PailException(Failure.BadInput, e.Message, e);
        }
    }

    protected override async Task RunAsync(VerbRun session, CancellationToken cancel)
    {
        var (host, terminal) = (Host(session.Get(_registry)), session.Terminal);
        if (session.Get(_identity) is { } identity)
        {
            if (session.Get(_stdin))
                throw new PailException(Failure.BadInput, "--identity-token is in place of a password: leave out --password-stdin.");
            await KeepAsync(session, host, new Credential(session.Get(_user) ?? AnyUser, await IdentityAsync(identity, cancel)), cancel);
            return;
        }
        if (!terminal.CanAsk && (session.Get(_user) is null || !session.Get(_stdin)))
            throw new PailException(Failure.BadInput, "there is no terminal to ask at: use --username and --password-stdin.");
        var user = session.Get(_user) ?? terminal.Ask("Username", secret: false);
        var password = session.Get(_stdin) ? await ReadAsync(terminal.Input, cancel) : terminal.Ask("Password", secret: true);
        if (user.Length == 0 || password.Length == 0 || user.Contains(':', StringComparison.Ordinal))
            throw new PailException(Failure.BadInput, "a user name without ':' and a password are needed.");
        await KeepAsync(session, host, new Credential(user, password), cancel);
    }

    private static async Task KeepAsync(VerbRun session, string host, Credential given, CancellationToken cancel)
    {
        var registries = session.Places.Registries.Options;
        var credential = await RegistryLogin.CheckAsync(host, given, registries, session.Places.Engine.Retry, cancel);
        session.Say($"Logged in to {host}; kept in {await new CredentialStore(registries).KeepAsync(host, credential, cancel)}.");
    }

    private static async Task<string> IdentityAsync(string where, CancellationToken cancel)
    {
        const string Variable = "env:";
        string text;
        try
        {
            text = where.StartsWith(Variable, StringComparison.Ordinal)
                ? Environment.GetEnvironmentVariable(where[Variable.Length..]) ?? throw new PailException(Failure.BadInput, $"--identity-token: the variable {SafeText.OneLine(where[Variable.Length..])} is not set.")
                : await ReadFileAsync(where, cancel);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new PailException(Failure.BadInput, $"--identity-token: {SafeText.OneLine(where)} can't be read: {SafeText.OneLine(e.Message)}", e);
        }
        // Never what it is: somebody may have given another file.
        return text.Trim() is { Length: > 0 } token && token.AsSpan().Count('.') == 2 && token.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '=')
            ? token
            : throw new PailException(Failure.BadInput, $"--identity-token: {SafeText.OneLine(where)} holds no identity token: three parts in base64url, with dots between them.");
    }

    private static async Task<string> ReadFileAsync(string file, CancellationToken cancel)
    {
        using var text = new StreamReader(file);
        return await ReadAsync(text, cancel);
    }

    private static async Task<string> ReadAsync(TextReader input, CancellationToken cancel)
    {
        var buffer = new char[MaxPassword + 1];
        var length = await input.ReadBlockAsync(buffer, cancel);
        return length > MaxPassword
            ? throw new PailException(Failure.BadInput, $"a password has at most {MaxPassword} characters.")
            : new string(buffer, 0, length).TrimEnd('\r', '\n');
    }
}
