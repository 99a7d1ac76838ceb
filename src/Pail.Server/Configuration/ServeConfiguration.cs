using System.Net;
using Microsoft.Extensions.Configuration;
using Pail.Oci;
using Pail.Server.Access;
using Pail.Server.Blobs;
using Pail.Stores;
using Pail.Transfer;

namespace Pail.Server.Configuration;

/// <summary>All that is set about a server, before the bucket is opened.</summary>
internal sealed record ServeConfiguration
{
    /// <summary>The bucket; null for the default folder.</summary>
    public string? Bucket { get; init; }

    /// <summary>What the server itself goes by. Its certificate, redirects, log and meter are made from the rest.</summary>
    public ServerOptions Server { get; init; } = new() { Metrics = new() };

    /// <summary>How much it uses to move blobs. Fewer tries than a person at a terminal gets: clients of a registry try again themselves.</summary>
    public TransferOptions Transfer { get; init; } = new() { MemoryLimit = 96 << 20, Retry = new RetryOptions { Attempts = 5 } };

    /// <summary>Whether blobs are redirected to, where the store can sign addresses.</summary>
    public bool Redirect { get; init; } = true;

    /// <summary>The S3 service as clients reach it.</summary>
    public string? PublicEndpoint { get; init; }

    /// <summary>File of the access rules; null for those of the bucket, if it has some.</summary>
    public string? Access { get; init; }

    /// <summary>File of the users and their passwords.</summary>
    public string? Passwords { get; init; }

    /// <summary>How long a token is good; null for the default.</summary>
    public TimeSpan? TokenLifetime { get; init; }

    /// <summary>Whether everybody may do everything, where there are no rules, also from other machines.</summary>
    public bool Open { get; init; }

    /// <summary>The CDN that blobs are redirected to.</summary>
    public Uri? CdnRoot { get; init; }

    /// <summary>The ID of the key that signs those redirects.</summary>
    public string? CdnKeyPair { get; init; }

    /// <summary>That key, PEM.</summary>
    public string? CdnKey { get; init; }

    /// <summary>Whether there is a log.</summary>
    public bool Log { get; init; } = true;

    /// <summary>What S3 requests cost.</summary>
    public RequestPrices Prices { get; init; } = RequestPrices.OfAws;

    /// <summary>Whether the requests made to the bucket are told.</summary>
    public bool ExplainCost { get; init; }

    /// <summary>File of the certificate.</summary>
    public string? TlsCertificate { get; init; }

    /// <summary>File of its key.</summary>
    public string? TlsKey { get; init; }

    /// <summary>The S3 service.</summary>
    public string? Endpoint { get; init; }

    /// <summary>Its region.</summary>
    public string? Region { get; init; }

    /// <summary>The profile of the AWS configuration files.</summary>
    public string? Profile { get; init; }

    /// <summary>Where addresses name the bucket; null for what the store finds itself.</summary>
    public AddressingStyle? Addressing { get; init; }

    /// <summary>How the store shall encrypt what is written; null for what it does itself.</summary>
    public StoreEncryption? Encryption { get; init; }

    /// <summary>Whether there is a page for people.</summary>
    public bool Page { get; init; } = true;

    /// <summary>Whether it moves and removes tags and images.</summary>
    public bool PageActions { get; init; }

    /// <summary>The server's options with the rules that were found, if any.</summary>
    /// <exception cref="PailException">It would be open to more than was said.</exception>
    public ServerOptions Guarded(DoorOptions? rules)
    {
        if (rules is not null && CdnRoot is not null && CdnKey is null)
            throw new PailException(Failure.BadInput, "redirect-base without a key sends pulls to addresses that anybody can use for ever, whatever the access rules say: give --redirect-key-pair and --redirect-private-key, or leave --redirect-base out.");
        if (rules is not null)
            return Open
                ? throw new PailException(Failure.BadInput, "--open and access rules contradict each other: leave one out.")
                : Server with { Door = rules with { PasswordFile = Passwords, TokenLifetime = TokenLifetime ?? rules.TokenLifetime } };
        if (Passwords is not null)
            throw new PailException(Failure.BadInput, "--htpasswd without access rules lets nobody do anything: say what users may do with --access FILE. docs/access.md has an example.");
        var reachable = Server.Listen.Where(endpoint => !IPAddress.IsLoopback(endpoint.Address)).ToList();
        return reachable.Count == 0 || Server.ReadOnly || Open
            ? Server
            : throw new PailException(Failure.BadInput, $"everybody who reaches {string.Join(", ", reachable)} could push and delete: give rules with --access FILE, or say --read-only, or --open.");
    }

    /// <summary>Reads all settings: the command line goes before variables, variables before the file, the file before the defaults.</summary>
    /// <param name="flags">What the command line says, by name.</param>
    /// <param name="variables">The environment.</param>
    /// <param name="file">The configuration file; null for none.</param>
    /// <exception cref="PailException">A value makes no sense; says where it was set.</exception>
    public static ServeConfiguration Read(IReadOnlyDictionary<string, IReadOnlyList<string>> flags, Func<string, string?> variables, string? file)
    {
        var fromFile = file is null ? [] : ConfigurationFile.Read(file);
        // What is added later goes before.
        SettingSource[] sources =
        [
            new(setting => fromFile.GetValueOrDefault(setting.Name), setting => $"{SafeText.OneLine(file)}: {setting.Name}"),
            new(setting => variables(setting.Variable) is { Length: > 0 } value ? [value] : null, setting => setting.Variable),
            new(setting => flags.GetValueOrDefault(setting.Name), setting => (setting.IsArgument ? "" : "--") + setting.Name),
        ];
        var builder = new ConfigurationBuilder();
        Array.ForEach(sources, source => builder.Add(source));
        var found = builder.Build();
        var configuration = new ServeConfiguration();
        foreach (var setting in Settings.All)
            if (found[setting.Name] is { } value)
                configuration = Apply(configuration, setting, value, sources);
        return configuration.Checked();
    }

    private static ServeConfiguration Apply(ServeConfiguration configuration, Setting setting, string value, SettingSource[] sources)
    {
        try
        {
            return setting.Apply(configuration, setting.Repeats ? value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) : [value]);
        }
        catch (FormatException e)
        {
            var origin = setting.Name;
            foreach (var source in sources)
                if (source.Sets(setting, out var name))
                    origin = name;
            throw new PailException(Failure.BadInput, $"{origin}: {e.Message}.", e);
        }
    }

    private ServeConfiguration Checked()
    {
        if (TlsCertificate is null != TlsKey is null)
            throw new PailException(Failure.BadInput, "tls-cert and tls-key go together.");
        if (Server is { ReadOnly: true } && (Server.GcEvery > TimeSpan.Zero || Server.RetainEvery > TimeSpan.Zero))
            throw new PailException(Failure.BadInput, "gc-every and retain-every remove what is in the bucket: they don't go with read-only.");
        if (CdnKeyPair is null != CdnKey is null)
            throw new PailException(Failure.BadInput, "redirect-key-pair and redirect-private-key go together.");
        if (CdnKey is not null && CdnRoot is null)
            throw new PailException(Failure.BadInput, "redirect-key-pair signs what redirect-base redirects to: set that, too.");
        if (CdnRoot is not null && !Redirect)
            throw new PailException(Failure.BadInput, "redirect-base and no-redirect contradict each other.");
        if (PageActions && !Page)
            throw new PailException(Failure.BadInput, "page-actions and no-page contradict each other: leave one out.");
        return this with
        {
            Server = Server with
            {
                Tls = TlsCertificate is null ? null : new TlsFiles(TlsCertificate, TlsKey!),
                Cdn = CdnRoot is null ? null : new CdnAddresses(CdnRoot, CdnKey is null ? null : Signer()),
            },
        };
    }

    private CdnSigner Signer()
    {
        try
        {
            return new(CdnKeyPair!, CdnKey!);
        }
        catch (FormatException e)
        {
            throw new PailException(Failure.BadInput, $"redirect-private-key: {e.Message}.", e);
        }
    }
}
