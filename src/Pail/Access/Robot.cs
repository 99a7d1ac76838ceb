using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Pail.Policies;

namespace Pail.Access;

/// <summary>A user that is a program: its rights come with it, and its secrets are made by Pail and kept as hashes.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Repositories">Patterns of the repositories that it may do something in.</param>
/// <param name="Actions">What it may do there, unless a rule denies it.</param>
/// <param name="Created">When it was made.</param>
/// <param name="Expires">When it ends; null for never.</param>
/// <param name="Secrets">Its secrets, the newest first.</param>
internal sealed partial record Robot(string Name, IReadOnlyList<string> Repositories, IReadOnlyList<string> Actions, DateTimeOffset Created, DateTimeOffset? Expires, IReadOnlyList<RobotSecret> Secrets)
{
    /// <summary>What the login name of a robot begins with.</summary>
    public const string LoginPrefix = "robot+";

    /// <summary>The largest object that is read, in bytes.</summary>
    public const int MaxSize = 64 << 10;

    // So that scanners find leaked ones.
    private const string SecretPrefix = "pail_";
    private const int MaxName = 64;

    /// <summary>The name that it logs in with.</summary>
    public string Login => LoginPrefix + Name;

    /// <summary>True for what a robot can be called.</summary>
    public static bool IsName(string name) => name.Length <= MaxName && Names().IsMatch(name);

    /// <summary>Makes a robot and its first secret.</summary>
    /// <exception cref="FormatException">A pattern or action is none.</exception>
    public static (Robot Robot, string Secret) Create(string name, IReadOnlyList<string> repositories, IReadOnlyList<string> actions, DateTimeOffset now, DateTimeOffset? expires)
    {
        var secret = NewSecret();
        var robot = new Robot(name, repositories, actions, now, expires, [new(HashOf(secret), now, null)]);
        _ = robot.Grant();
        return (robot, secret);
    }

    /// <summary>The same robot with one more secret. The newest of before is good until then, older ones no more.</summary>
    public (Robot Robot, string Secret) Rotate(DateTimeOffset now, DateTimeOffset until)
    {
        var secret = NewSecret();
        return (this with { Secrets = [new(HashOf(secret), now, null), .. Secrets.Take(1).Select(old => old with { Until = old.Until is { } ended && ended < until ? ended : until })] }, secret);
    }

    /// <summary>The hash of a secret if that is good now; null if not.</summary>
    public string? Check(string secret, DateTimeOffset now) => HashOf(secret) is var hash && Holds(hash, now) ? hash : null;

    /// <summary>True if the secret of this hash is good now.</summary>
    public bool Holds(string hash, DateTimeOffset now)
    {
        var holds = false;
        foreach (var secret in Secrets)
            holds |= CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(secret.Hash), Encoding.ASCII.GetBytes(hash)) && !(secret.Until <= now);
        return holds && IsAlive(now);
    }

    /// <summary>True if it has not ended.</summary>
    public bool IsAlive(DateTimeOffset now) => !(Expires <= now);

    /// <summary>What it may do, as a rule.</summary>
    /// <exception cref="FormatException">A pattern or action is none.</exception>
    public AccessRule Grant() => new(
        0,
        [new SubjectPattern.Named(SubjectKind.Robot, Name)],
        new([.. Repositories.Select(Glob.OfRepositories)], []),
        Actions.Aggregate(AccessActions.None, (all, word) => all | (AccessWords.Read(word) ?? throw new FormatException($"'{Oci.SafeText.OneLine(word)}' is no action: {string.Join(", ", AccessWords.All)}"))),
        AccessActions.None)
    { Name = $"robot {Name}" };

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <exception cref="PailException">It is damaged.</exception>
    public static Robot Read(ReadOnlyMemory<byte> json, string name)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var root = document.RootElement;
            var robot = new Robot(
                root.GetProperty("name").GetString() ?? "",
                [.. root.GetProperty("repositories").EnumerateArray().Select(text => text.GetString() ?? "")],
                [.. root.GetProperty("actions").EnumerateArray().Select(text => text.GetString() ?? "")],
                root.GetProperty("created").GetDateTimeOffset(),
                Time(root, "expires"),
                [.. root.GetProperty("secrets").EnumerateArray().Select(secret => new RobotSecret(secret.GetProperty("sha256").GetString() ?? "", secret.GetProperty("created").GetDateTimeOffset(), Time(secret, "until")))]);
            _ = robot.Grant();
            if (robot.Name == name)
                return robot;
        }
        catch (Exception e) when (e is JsonException or FormatException or InvalidOperationException or KeyNotFoundException)
        {
            throw Damaged(name, e);
        }
        throw Damaged(name, null);
    }

    /// <summary>It as JSON.</summary>
    public byte[] Write()
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            json.WriteString("name", Name);
            WriteList(json, "repositories", Repositories);
            WriteList(json, "actions", Actions);
            json.WriteString("created", Created);
            if (Expires is { } expires)
                json.WriteString("expires", expires);
            json.WriteStartArray("secrets");
            foreach (var secret in Secrets)
            {
                json.WriteStartObject();
                json.WriteString("sha256", secret.Hash);
                json.WriteString("created", secret.Created);
                if (secret.Until is { } until)
                    json.WriteString("until", until);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return bytes.WrittenSpan.ToArray();
    }

    private static void WriteList(Utf8JsonWriter json, string name, IReadOnlyList<string> texts)
    {
        json.WriteStartArray(name);
        foreach (var text in texts)
            json.WriteStringValue(text);
        json.WriteEndArray();
    }

    // A time that can't be read must not read as none: that would be for ever.
    private static DateTimeOffset? Time(JsonElement from, string name) => from.TryGetProperty(name, out var time) ? time.GetDateTimeOffset() : null;

    private static PailException Damaged(string name, Exception? e) => new(Failure.BadContent, $"the robot '{name}' is damaged in the bucket: remove it, and make it anew", e);

    // 256 random bits need no slow hash.
    private static string HashOf(string secret) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(secret)));

    private static string NewSecret() => SecretPrefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    [GeneratedRegex("^[a-z0-9]+([._-][a-z0-9]+)*$", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Names();
}

/// <summary>A secret of a robot, as it is kept.</summary>
/// <param name="Hash">Its SHA-256, in hex.</param>
/// <param name="Created">When it was made.</param>
/// <param name="Until">When it ends; null for as late as the robot.</param>
internal sealed record RobotSecret(string Hash, DateTimeOffset Created, DateTimeOffset? Until);
