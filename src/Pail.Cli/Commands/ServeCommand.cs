using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Pail.Buckets;
using Pail.Cli.Output;
using Pail.Places;
using Pail.S3;
using Pail.Server;
using Pail.Server.Access;
using Pail.Server.Configuration;
using Pail.Server.Page;
using Pail.Server.Watching;
using Pail.Stores;
using Pail.Stores.Folder;
using Pail.Transfer;

namespace Pail.Cli.Commands;

/// <summary><c>pail serve</c>: a registry over a bucket, until a signal comes. Its options are <see cref="Settings"/>.</summary>
internal sealed class ServeCommand : Command, IShowsExamples
{
    // A server rests most of the time: then it gives back what pushes took.
    private static readonly TimeSpan KeepMemory = TimeSpan.FromSeconds(5);

    private readonly Terminal _terminal;
    private readonly Option<string?> _file = new("--config") { HelpName = "FILE", Description = "A JSON file that sets what neither options nor variables do [default: PAIL_CONFIG]" };
    private readonly List<(Setting Setting, Func<ParseResult, IReadOnlyList<string>?> Values)> _settings;

    public ServeCommand(Terminal terminal)
        : base("serve", "Run a registry over a bucket, for any client to push to and pull from")
    {
        _terminal = terminal;
        _settings = [.. Settings.All.Where(setting => setting.OnCommandLine).Select(setting => (setting, Add(setting)))];
        Add(_file);
        SetAction(InvokeAsync);
    }

    /// <inheritdoc/>
    public IReadOnlyList<(string Line, string Says)> Examples =>
    [
        ("pail serve s3://acme", "at 127.0.0.1:5000; blobs are redirected to the bucket"),
        ("pail serve ./images --listen 0.0.0.0:5000 --open", "over a folder, for everybody on the network"),
        ("PAIL_SECRET=... pail serve s3://acme --listen *:5001 --access rules.yaml --htpasswd users", "one of several replicas behind a load balancer, with access rules"),
    ];

    private async Task<int> InvokeAsync(ParseResult parsed, CancellationToken cancel)
    {
        var flags = _settings.Select(pair => (pair.Setting.Name, Values: pair.Values(parsed))).Where(pair => pair.Values is not null).ToDictionary(pair => pair.Name, pair => pair.Values!);
        var configuration = ServeConfiguration.Read(flags, Environment.GetEnvironmentVariable, parsed.GetValue(_file) ?? Environment.GetEnvironmentVariable("PAIL_CONFIG"));
        var meter = new RequestMeter { Prices = configuration.Prices };
        var store = Open(configuration, meter);
        using var owned = store as IDisposable;
        var registry = await Bucket.OpenAsync(store, new TransferEngine(configuration.Transfer with { KeepMemory = KeepMemory }), cancel);
        var options = configuration.Guarded(await DoorOptions.FindAsync(configuration.Access, registry, cancel));
        await using var server = RegistryServer.Build(
            options with
            {
                Redirect = configuration.Redirect ? store.Abilities.Presign : null,
                Log = configuration.Log ? _terminal.Out : null,
                Meter = configuration.ExplainCost ? meter : null,
                Otlp = OtlpVariables.Read(Environment.GetEnvironmentVariable),
                Page = configuration.Page ? new PageOptions(meter) { Actions = configuration.PageActions } : null,
            },
            registry);
        await ListenAsync(server, [.. configuration.Server.Listen, .. options.Metrics is { Address: { } own } ? [own] : Array.Empty<IPEndPoint>()], cancel);
        Announce(server, configuration, options, registry, store);
        await RegistryServer.WaitAsync(server, cancel);
        await server.StopAsync(CancellationToken.None);
        return ExitCode.Ok;
    }

    /// <summary>Starts a server.</summary>
    internal static async Task ListenAsync(WebApplication server, IReadOnlyList<IPEndPoint> addresses, CancellationToken cancel)
    {
        try
        {
            await server.StartAsync(cancel);
        }
        catch (SocketException e)
        {
            // An address that is not this machine's, or a port that needs privileges. One in use is said by the server itself.
            throw new PailException(Failure.BadInput, $"can't listen at {string.Join(", ", addresses)}: {Oci.SafeText.OneLine(e.Message)}.", e);
        }
    }

    private static IObjectStore Open(ServeConfiguration configuration, RequestMeter meter)
    {
        var root = Root(configuration.Bucket);
        if (root is BucketRoot.Folder folder)
            FolderStore.Create(folder.Directory);
        var s3 = new S3Provider(bucket => new S3Options(bucket)
        {
            Endpoint = configuration.Endpoint,
            PublicEndpoint = configuration.PublicEndpoint,
            Region = configuration.Region,
            Profile = configuration.Profile,
            Addressing = configuration.Addressing,
            Encryption = configuration.Encryption,
        });
        return StoreProviders.Open(root, [s3], meter);
    }

    private static BucketRoot Root(string? bucket) => bucket switch
    {
        null => new BucketRoot.Folder(DefaultFolder()),
        _ when StoreProviders.Schemes.Append("file").Any(scheme => bucket.StartsWith($"{scheme}:", StringComparison.Ordinal)) => AddressParser.ParseRoot(bucket),
        _ when bucket.Contains("://", StringComparison.Ordinal) || bucket.Length == 0 => throw new PailException(Failure.BadInput, $"{Oci.SafeText.OneLine(bucket)}: s3://BUCKET, file:DIR or a folder is expected."),
        _ => new BucketRoot.Folder(Path.GetFullPath(bucket)),
    };

    // Source: XDG Base Directory Specification.
    private static string DefaultFolder() => Path.Combine(
        Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), "pail", "registry");

    private void Announce(WebApplication server, ServeConfiguration configuration, ServerOptions options, Bucket bucket, IObjectStore store)
    {
        var addresses = server.Urls.ToList();
        // The one that was bound last.
        var metrics = options.Metrics is { Address: not null } ? addresses[^1] : null;
        foreach (var address in addresses.Take(addresses.Count - (metrics is null ? 0 : 1)))
            _terminal.Error.WriteLine($"Serving {bucket.Name} at {address}");
        if (metrics is not null)
            _terminal.Error.WriteLine($"Metrics at {metrics}{MetricsEndpoint.Path}");
        if (options.Door is { Rules: var rules })
            _terminal.Error.WriteLine($"Access by {rules.Rules.Count} {(rules.Rules.Count == 1 ? "rule" : "rules")} of {configuration.Access ?? AccessFile.Key}{(rules.Rules.Count == 0 ? ": nobody may do anything" : "")}");
        if (options.Door is not null && bucket is { SharesBlobs: true, Settings.Holds: false })
            _terminal.Error.WriteLine($"{_terminal.Ink.Yellow("Note:")} images that are here already can't be pulled by digest, nor those pushed to the bucket itself, before 'pail access prepare {bucket.Name}'.");
        if (configuration.Open && options.Door is null)
            _terminal.Error.WriteLine($"{_terminal.Ink.Yellow("Open:")} everybody who reaches this address can {(options switch { { ReadOnly: true } => "pull", { AllowDelete: false } => "pull and push", _ => "pull, push and delete" })} all images, without a login.");
        if (configuration.Server.Secret is null && store is not FolderStore)
            _terminal.Error.WriteLine($"{_terminal.Ink.Yellow("Note:")} without PAIL_SECRET or --secret-file, uploads under way end with this process, and other replicas can't take them up.");
    }

    private Func<ParseResult, IReadOnlyList<string>?> Add(Setting setting)
    {
        if (setting.IsArgument)
        {
            var argument = new Argument<string?>(setting.Name) { HelpName = setting.ValueName, Description = setting.Description, Arity = ArgumentArity.ZeroOrOne };
            Add(argument);
            return parsed => parsed.GetValue(argument) is { } value ? [value] : null;
        }
        if (setting.ValueName is null)
        {
            var flag = new Option<bool>("--" + setting.Name) { Description = setting.Description };
            Add(flag);
            // One that is not on the command line has a result too, an implicit one: then variables and the file are asked.
            return parsed => parsed.GetResult(flag) is { Implicit: false } ? [parsed.GetValue(flag) ? "true" : "false"] : null;
        }
        if (setting.Repeats)
        {
            var several = new Option<string[]>("--" + setting.Name) { HelpName = setting.ValueName, Description = setting.Description, Arity = ArgumentArity.OneOrMore };
            Add(several);
            return parsed => parsed.GetResult(several) is null ? null : parsed.GetValue(several);
        }
        var one = new Option<string?>("--" + setting.Name) { HelpName = setting.ValueName, Description = setting.Description };
        Add(one);
        return parsed => parsed.GetValue(one) is { } value ? [value] : null;
    }
}
