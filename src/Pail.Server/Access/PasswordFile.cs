using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Pail.Access;
using Pail.Oci;

namespace Pail.Server.Access;

/// <summary>The users of a file that <c>htpasswd -B</c> writes, <c>NAME:BCRYPT</c> a line. Other kinds of hashes are refused: they are guessed too fast.</summary>
/// <param name="Hashes">The hash of each user.</param>
internal sealed partial record PasswordFile(IReadOnlyDictionary<string, string> Hashes)
{
    private const int MaxSize = 4 << 20;

    /// <summary>No users at all.</summary>
    public static PasswordFile None { get; } = new(new Dictionary<string, string>());

    // So that nobody can foresee which user's hash stands in for an unknown one's.
    private readonly byte[] _key = RandomNumberGenerator.GetBytes(32);
    private readonly string[] _costs = [.. Hashes.Values.Select(hash => hash[..7]).Order(StringComparer.Ordinal)];

    /// <summary>Reads a file.</summary>
    /// <exception cref="PailException">It can't be read, or used; the message names the line and never what is on it.</exception>
    public static PasswordFile Read(string file)
    {
        var name = SafeText.OneLine(file);
        string text;
        try
        {
            text = new FileInfo(file).Length <= MaxSize ? File.ReadAllText(file) : throw new PailException(Failure.BadInput, $"{name}: a file of passwords has at most {ByteSize.Format(MaxSize)}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new PailException(Failure.BadInput, $"{name}: the passwords can't be read: {SafeText.OneLine(e.Message)}", e);
        }
        return Parse(text, name);
    }

    /// <summary>Reads the text of such a file.</summary>
    public static PasswordFile Parse(string text, string name)
    {
        var hashes = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (index, raw) in text.Split('\n').Index())
        {
            var line = raw.TrimEnd('\r', ' ', '\t');
            if (line.Length == 0 || line[0] == '#')
                continue;
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0)
                throw Wrong("NAME:HASH is expected, as 'htpasswd -B' writes it");
            var (user, hash) = (line[..colon], line[(colon + 1)..]);
            if (user.StartsWith(Robot.LoginPrefix, StringComparison.Ordinal))
                throw Wrong("such names are those of robots");
            if (!Bcrypt().IsMatch(hash))
                throw Wrong("the hash is not bcrypt of a cost from 4 to 16: make it with 'htpasswd -B', and -C for the cost");
            if (!hashes.TryAdd(user, hash))
                throw Wrong("the user is there twice");

            PailException Wrong(string what) => new(Failure.BadContent, $"{name}:{index + 1}: {what}");
        }
        return new(hashes);
    }

    /// <summary>The hash to compare a password with; for an unknown user one that nothing matches and that takes as long as a user's. Null where there are no users.</summary>
    public string? HashOf(string user, out bool isKnown)
    {
        isKnown = Hashes.TryGetValue(user, out var hash);
        if (isKnown || _costs.Length == 0)
            return hash;
        // The same for the same name each time, and as often of each cost as users have it.
        var pick = BitConverter.ToUInt32(HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(user))) % (uint)_costs.Length;
        return $"{_costs[pick]}{new string('.', 53)}";
    }

    [GeneratedRegex(@"^\$2[aby]\$(0[4-9]|1[0-6])\$[./A-Za-z0-9]{53}$", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Bcrypt();
}
