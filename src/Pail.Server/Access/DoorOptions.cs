using Pail.Access;
using Pail.Buckets;
using Pail.Oci;

namespace Pail.Server.Access;

/// <summary>What a server with rules goes by.</summary>
/// <param name="Rules">The rules it begins with.</param>
internal sealed record DoorOptions(AccessRules Rules)
{
    /// <summary>Reads the rules again; null if they never change.</summary>
    /// <remarks>It throws a <see cref="PailException"/> if they can't be used: the old ones stay.</remarks>
    public Func<CancellationToken, Task<AccessRules>>? Reread { get; init; }

    /// <summary>The users and their passwords, as <c>htpasswd -B</c> writes them; null for none. Read again when it changes.</summary>
    public string? PasswordFile { get; init; }

    /// <summary>How long a token is good; at least a minute, which clients assume.</summary>
    public TimeSpan TokenLifetime { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How long a refresh token is good, unless the password changes.</summary>
    public TimeSpan RefreshLifetime { get; init; } = TimeSpan.FromDays(90);

    /// <summary>Finds the rules of a server: those of a file, else those of the bucket; null if there are none. At most one GET.</summary>
    /// <param name="file">The file; null for none.</param>
    /// <param name="bucket">The bucket.</param>
    /// <param name="cancel">Interrupts it.</param>
    /// <exception cref="PailException">They are not valid.</exception>
    public static async Task<DoorOptions?> FindAsync(string? file, Bucket bucket, CancellationToken cancel)
    {
        if (file is not null)
            return new(await ReadAsync(file, cancel)) { Reread = token => ReadAsync(file, token) };
        return await AccessFile.ReadAsync(bucket, cancel) is { } rules
            ? new(rules) { Reread = async token => await AccessFile.ReadAsync(bucket, token) ?? throw new PailException(Failure.NotFound, $"{AccessFile.NameIn(bucket)} was removed") }
            : null;
    }

    private static async Task<AccessRules> ReadAsync(string file, CancellationToken cancel)
    {
        try
        {
            using var text = new StreamReader(file);
            var buffer = new char[AccessRules.MaxSize + 1];
            return AccessRules.Parse(new string(buffer, 0, await text.ReadBlockAsync(buffer, cancel)), SafeText.OneLine(file));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new PailException(Failure.BadInput, $"{SafeText.OneLine(file)}: the rules can't be read: {SafeText.OneLine(e.Message)}", e);
        }
    }
}
