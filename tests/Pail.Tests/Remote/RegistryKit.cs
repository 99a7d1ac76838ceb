using System.Text.Json;
using Pail.Copy;
using Pail.Images;
using Pail.Oci;
using Pail.Remote;
using Pail.Tests.Images;
using Pail.Transfer;

namespace Pail.Tests.Remote;

/// <summary>Sources and sinks of registries, as tests want them: impatient, and apart from who runs the tests.</summary>
internal sealed class RegistryKit : IDisposable
{
    private readonly Dictionary<string, string?> _variables;
    private readonly List<RegistryClients> _clients = [];
    private TransferEngine? _engine;

    public RegistryKit() => _variables = new() { ["HOME"] = Folder.Path };

    public TestFolder Folder { get; } = new();

    /// <summary>The clock by which tokens end, and by which retries wait.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    public TransferEngine Engine => _engine ??= new(new() { Retry = new() { Attempts = 3, FirstDelay = TimeSpan.FromMilliseconds(1) } }, Time);

    public RegistryOptions Options { get; set; } = new();

    /// <summary>The options with the variables of this test.</summary>
    public RegistryOptions Effective => Options with { Variable = _variables.GetValueOrDefault };

    /// <summary>Each time anew, as in another run of the program.</summary>
    public RegistryClients Clients
    {
        get
        {
            _clients.Add(new(Effective, Engine));
            return _clients[^1];
        }
    }

    public string? this[string variable] { set => _variables[variable] = value; }

    /// <summary>Keeps a login as docker does.</summary>
    public void LogIn(string host, string user, string password) => Write(new { auths = new Dictionary<string, object> { [host] = new { auth = Base64($"{user}:{password}") } } });

    /// <summary>Writes Docker's config.json.</summary>
    public void Write<T>(T config)
    {
        Directory.CreateDirectory(Folder[".docker"]);
        File.WriteAllText(Folder[".docker/config.json"], JsonSerializer.Serialize(config));
    }

    public static string Base64(string text) => Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(text));

    public RegistrySource Source(string host, string repository = "team/app", string reference = "1") => new(host, RepositoryName.Parse(repository), Reference.Parse(reference), Clients);

    public RegistrySink Sink(string host, string repository = "team/app", string reference = "1", string? mountFrom = null) =>
        new(host, RepositoryName.Parse(repository), Reference.Parse(reference), Clients, mountFrom is null ? null : RepositoryName.Parse(mountFrom));

    /// <summary>Copies, and disposes both.</summary>
    public static async Task<CopyResult> CopyAsync(IImageSource source, IImageSink sink)
    {
        await using (source)
        await using (sink)
            return await Copying.RunAsync(source, sink, TestContext.Current.CancellationToken);
    }

    public void Dispose()
    {
        _clients.ForEach(clients => clients.Dispose());
        Folder.Dispose();
    }
}
