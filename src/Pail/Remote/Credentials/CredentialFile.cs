using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pail.Oci;

namespace Pail.Remote.Credentials;

/// <summary>A file of credentials: Docker's config.json, Podman's auth.json. What is not ours in it stays as it is.</summary>
internal sealed class CredentialFile
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, IndentCharacter = '\t', IndentSize = 1, NewLine = "\n" };

    private readonly JsonObject _root;

    private CredentialFile(string path, JsonObject root) => (Path, _root) = (path, root);

    public string Path { get; }

    /// <summary>Reads a file; an empty one if it is not there.</summary>
    /// <exception cref="PailException">It can't be read, or is no JSON object.</exception>
    public static CredentialFile Read(string path)
    {
        try
        {
            var bytes = File.ReadAllBytes(path);
            var root = bytes.Length == 0 ? [] : JsonNode.Parse(bytes) as JsonObject ?? throw new JsonException("it is no JSON object.");
            return new(path, root);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return new(path, []);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new PailException(Failure.Denied, $"{path} can't be read: {SafeText.OneLine(e.Message)}", e);
        }
        catch (JsonException e)
        {
            throw new PailException(Failure.BadInput, $"{path} is not what Docker or Podman write: {SafeText.OneLine(e.Message)}", e);
        }
    }

    /// <summary>The helper that keeps the credentials of a host: its own, or the one for all; null where the file keeps them, as it also does where a host's own helper is an empty text.</summary>
    public string? HelperFor(string host)
    {
        var own = _root["credHelpers"] as JsonObject;
        return Names(host).FirstOrDefault(name => own?.ContainsKey(name) == true) is { } known ? Text(own![known]) : Text(_root["credsStore"]);
    }

    /// <summary>The credential kept in the file itself; for a repository the one of the longest part of its name.</summary>
    public Credential? Find(string host, string? repository)
    {
        if (_root["auths"] is not JsonObject kept)
            return null;
        for (var name = repository is null ? "" : $"/{repository}"; name.Length > 0; name = name[..name.LastIndexOf('/')])
            if (Of(kept[host + name]) is { } narrow)
                return narrow;
        return Names(host).Select(name => Of(kept[name])).FirstOrDefault(found => found is not null)
            // Long ago keys were addresses.
            ?? kept.Where(pair => HostOf(pair.Key) == host).Select(pair => Of(pair.Value)).FirstOrDefault(found => found is not null);
    }

    /// <summary>Keeps a credential, in the form docker reads.</summary>
    public void Set(string host, Credential credential)
    {
        if (_root["auths"] is not JsonObject kept)
            _root["auths"] = kept = [];
        var entry = new JsonObject { ["auth"] = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{credential.User}:{credential.Password}")) };
        if (credential.IdentityToken is { } token)
            entry["identitytoken"] = token;
        kept[Key(host)] = entry;
    }

    /// <summary>Notes, as docker does, that a helper keeps this host's credential, and drops what the file kept.</summary>
    public void SetKeptByHelper(string host)
    {
        if (_root["auths"] is not JsonObject kept)
            _root["auths"] = kept = [];
        kept[Key(host)] = new JsonObject();
    }

    /// <summary>Drops what is kept for a host. True if there was something.</summary>
    public bool Remove(string host)
    {
        if (_root["auths"] is not JsonObject kept)
            return false;
        var names = kept.Select(pair => pair.Key).Where(key => Names(host).Contains(key) || HostOf(key) == host).ToList();
        names.ForEach(name => kept.Remove(name));
        return names.Count > 0;
    }

    /// <summary>Replaces the file, whole or not at all, readable by its owner alone.</summary>
    public void Save()
    {
        string? fresh = null;
        try
        {
            Directory.CreateDirectory(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(Path))!);
            // Some keep it behind a symbolic link, which shall stay one.
            var target = new FileInfo(Path).LinkTarget is null ? Path : File.ResolveLinkTarget(Path, returnFinalTarget: true)!.FullName;
            fresh = $"{target}.{Guid.NewGuid():N}";
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            using (var file = new FileStream(fresh, options))
                file.Write(Encoding.UTF8.GetBytes(_root.ToJsonString(Indented)));
            File.Move(fresh, target, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (fresh is not null)
                File.Delete(fresh);
            throw new PailException(Failure.Denied, $"{Path} can't be written: {SafeText.OneLine(e.Message)}", e);
        }
    }

    /// <summary>What a host is called by helpers and as a key.</summary>
    public static string Key(string host) => host == DockerHub.Name ? DockerHub.ConfigKey : host;

    private static string[] Names(string host) => host == DockerHub.Name ? [DockerHub.ConfigKey, host, "index.docker.io", DockerHub.Api] : [host];

    private static string? HostOf(string key) => Uri.TryCreate(key, UriKind.Absolute, out var address) && address.Scheme is "http" or "https" ? address.Authority : null;

    private static string? Text(JsonNode? node) => node is JsonValue value && value.TryGetValue<string>(out var text) && text.Length > 0 ? text : null;

    private Credential? Of(JsonNode? node)
    {
        if (node is not JsonObject entry)
            return null;
        var (user, password) = (Text(entry["username"]) ?? "", Text(entry["password"]));
        if (Text(entry["auth"]) is { } auth)
        {
            try
            {
                var parts = Encoding.UTF8.GetString(Convert.FromBase64String(auth)).Split(':', 2);
                (user, password) = (parts[0], parts.Length > 1 ? parts[1].TrimEnd('\0') : null);
            }
            catch (FormatException e)
            {
                throw new PailException(Failure.BadInput, $"{Path}: an \"auth\" in it is no base64. 'pail login' makes a new one.", e);
            }
        }
        var (token, ready) = (Text(entry["identitytoken"]), Text(entry["registrytoken"]));
        return string.IsNullOrEmpty(password) && token is null && ready is null
            ? null
            : new Credential(user, string.IsNullOrEmpty(password) ? null : password) { IdentityToken = token, RegistryToken = ready, Origin = Path };
    }
}
