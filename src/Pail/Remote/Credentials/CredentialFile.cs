using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pail.Io;
using Pail.Oci;

namespace Pail.Remote.Credentials;

/// <summary>A file of credentials: Docker's config.json, Podman's auth.json. What is not ours in it stays as it is.</summary>
internal sealed class CredentialFile
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, IndentCharacter = '\t', IndentSize = 1, NewLine = "\n" };

    private static readonly JsonDocumentOptions Lenient = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    private readonly JsonObject _root;
    private readonly string _before;

    private CredentialFile(string path, JsonObject root) => (Path, _root, _before) = (path, root, root.ToJsonString(Indented));

    public string Path { get; }

    private JsonObject? Kept => CredentialEntry.Property(_root, "auths").Value as JsonObject;

    /// <summary>Reads a file; an empty one if it is not there.</summary>
    /// <exception cref="PailException">It can't be read, or is no JSON object.</exception>
    public static CredentialFile Read(string path)
    {
        try
        {
            // With any mark of its encoding: PowerShell writes one.
            return Parse(path, File.ReadAllText(path));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return new(path, []);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new PailException(Failure.Denied, $"{path} can't be read: {SafeText.OneLine(e.Message)}", e);
        }
    }

    /// <summary>Reads what a file would hold.</summary>
    /// <param name="path">The file, or another name for messages.</param>
    /// <param name="text">Its content.</param>
    /// <exception cref="PailException"><see cref="Failure.BadInput"/>: it is no JSON object.</exception>
    public static CredentialFile Parse(string path, string text)
    {
        try
        {
            if (string.IsNullOrWhiteSpace(text))
                return new(path, []);
            using var document = JsonDocument.Parse(text, Lenient);
            return new(path, JsonText.ToNode(document.RootElement, joins: true) switch
            {
                JsonObject root => root,
                null => [],
                _ => throw new FormatException("it is not a JSON object"),
            });
        }
        catch (Exception e) when (JsonText.IsFault(e))
        {
            throw new PailException(Failure.BadInput, $"{path} is not what Docker or Podman write: {JsonText.Why(e)}.", e);
        }
    }

    /// <summary>The helper that keeps the credentials of a host: its own, or the one for all; null where the file keeps them, as it also does where a host's own helper is an empty text.</summary>
    public string? HelperFor(string host)
    {
        var own = CredentialEntry.Property(_root, "credHelpers").Value as JsonObject;
        return own is not null && CredentialKeys.ForHost(own.Select(pair => pair.Key), host).FirstOrDefault() is { } known
            ? CredentialEntry.Text(own, known)
            : CredentialEntry.Text(_root, "credsStore");
    }

    /// <summary>The credential kept in the file itself; for a repository the one of the longest part of its name.</summary>
    public Credential? Find(string host, string? repository)
    {
        if (Kept is not { } kept)
            return null;
        var keys = kept.Select(pair => pair.Key).ToList();
        return (repository is null ? [] : CredentialKeys.ForRepository(keys, host, repository)).Concat(CredentialKeys.ForHost(keys, host))
            .Select(key => CredentialEntry.Read(kept[key], Path)).FirstOrDefault(found => found is not null);
    }

    /// <summary>Keeps a credential, in the form docker reads.</summary>
    public void Set(string host, Credential credential) => Set(host, CredentialEntry.Write(credential));

    /// <summary>Notes, as docker does, that a helper keeps this host's credential, and drops what the file kept.</summary>
    public void SetKeptByHelper(string host) => Set(host, new JsonObject());

    /// <summary>Drops what is kept for a host. True if there was something.</summary>
    public bool Remove(string host)
    {
        if (Kept is not { } kept)
            return false;
        var names = CredentialKeys.ForHost(kept.Select(pair => pair.Key), host).ToList();
        names.ForEach(name => kept.Remove(name));
        return names.Count > 0;
    }

    /// <summary>Replaces the file, whole or not at all. A new one is readable by its owner alone; one that is there keeps owner and mode, whoever runs this.</summary>
    public void Save()
    {
        var text = _root.ToJsonString(Indented);
        // Docker's files may be read-only, with the login in them already.
        if (text == _before)
            return;
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
                file.Write(Encoding.UTF8.GetBytes(text));
            if (KeepsOwner(fresh, target))
                Replace(fresh, target, text);
            else
                Overwrite(fresh, target, text);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (fresh is not null)
                File.Delete(fresh);
            throw new PailException(Failure.Denied, $"{Path} can't be written: {SafeText.OneLine(e.Message)}", e);
        }
    }

    private static void Replace(string fresh, string target, string text)
    {
        try
        {
            File.Move(fresh, target, overwrite: true);
        }
        // A file that is mounted by itself, as into a container, can't be replaced, only written.
        catch (IOException) when (File.Exists(target))
        {
            Overwrite(fresh, target, text);
        }
    }

    private static void Overwrite(string fresh, string target, string text)
    {
        File.WriteAllText(target, text);
        File.Delete(fresh);
    }

    // Makes what is to take a file's place like it. False if it can't be given to the same owner: then the file itself is written.
    private static bool KeepsOwner(string fresh, string target)
    {
        if (OperatingSystem.IsWindows() || !File.Exists(target))
            return true;
        if (Posix.OwnerOf(target) is { } owner && owner != Posix.OwnerOf(fresh) && Posix.ChangeOwner(fresh, owner.User, owner.Group) != 0)
            return false;
        File.SetUnixFileMode(fresh, File.GetUnixFileMode(target));
        return true;
    }

    private void Set(string host, JsonObject entry)
    {
        if (Kept is not { } kept)
            _root[CredentialEntry.Property(_root, "auths").Name] = kept = [];
        kept[CredentialKeys.Of(host)] = entry;
    }
}
