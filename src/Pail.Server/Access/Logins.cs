using System.Security.Cryptography;
using System.Text;
using Pail.Access;
using Pail.Server.Caches;
using Pail.Server.Errors;

namespace Pail.Server.Access;

/// <summary>A login that is good.</summary>
/// <param name="Subject">The subject it is of.</param>
/// <param name="Proof">Changes with the password.</param>
internal sealed record Login(Subject Subject, string Proof);

/// <summary>
/// Checks names and passwords. A password that was found right is not hashed again for a while; every other one is, by few threads at once, and an unknown
/// user takes as long as a known one.
/// </summary>
internal sealed class Logins(Robots robots, TimeProvider time) : IDisposable
{
    // bcrypt hashes no more than 72 bytes.
    private const int MaxPassword = 1024;
    private const int Remembered = 1 << 14;
    private const int MostWaiting = 256;

    private static readonly TimeSpan Believed = TimeSpan.FromMinutes(5);

    private readonly byte[] _key = RandomNumberGenerator.GetBytes(32);
    private readonly BoundedCache<Evidence, Seen> _right = new(Remembered, static _ => 1);
    private readonly SemaphoreSlim _hashing = new(Math.Max(1, Environment.ProcessorCount / 2));
    private readonly LoginPace _pace = new(time);
    private volatile PasswordFile _users = PasswordFile.None;
    private int _waiting;

    /// <summary>Compares a password with a hash; all of the time that a login takes is here.</summary>
    public Func<string, string, bool> Verify { get; init; } = static (password, hash) => BCrypt.Net.BCrypt.Verify(password, hash);

    /// <summary>The users there are.</summary>
    public PasswordFile Users
    {
        get => _users;
        set => _users = value;
    }

    /// <summary>Checks a name and a password.</summary>
    /// <param name="name">The name.</param>
    /// <param name="password">The password.</param>
    /// <param name="address">Where the login comes from.</param>
    /// <param name="cancel">Interrupts it.</param>
    /// <returns>Null if they are wrong.</returns>
    /// <exception cref="RegistryException">Too many logins failed or wait.</exception>
    public async ValueTask<Login?> CheckAsync(string name, string password, string address, CancellationToken cancel)
    {
        if (password.Length is 0 or > MaxPassword)
            return null;
        if (name.StartsWith(Robot.LoginPrefix, StringComparison.Ordinal))
            return await CheckRobotAsync(name[Robot.LoginPrefix.Length..], password, cancel);
        var hash = _users.HashOf(name, out var isKnown);
        if (hash is null)
            return null;
        var evidence = new Evidence(Convert.ToHexString(HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes($"{name}\n{hash}\n{password}"))));
        var login = new Login(new(SubjectKind.User, name), ProofOf(hash));
        if (IsRight(evidence))
            return login;
        var (turn, tooLong) = await _pace.EnterAsync(address, name, cancel);
        if (turn is null)
            throw new RegistryException(RegistryError.TooManyRequests with { RetryAfter = tooLong });
        using (turn)
        {
            // Another of the same may have been checked meanwhile.
            if (IsRight(evidence))
                return login;
            if (!await MatchesAsync(password, hash, cancel) || !isKnown)
            {
                turn.Fail();
                return null;
            }
            turn.Forget();
            _right.Set(evidence, new Seen(time.GetTimestamp()));
            return login;
        }
    }

    /// <summary>True if a login that was good once still is: the user or robot is there, with the same password or secret.</summary>
    public async ValueTask<bool> StillHoldsAsync(Subject subject, string proof, CancellationToken cancel) => subject.Kind == SubjectKind.Robot
        ? await robots.FindAsync(subject.Name, cancel) is { } robot && robot.Holds(proof, time.GetUtcNow())
        : subject.Kind == SubjectKind.User && _users.Hashes.TryGetValue(subject.Name, out var hash) && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(ProofOf(hash)), Encoding.UTF8.GetBytes(proof));

    public void Dispose() => _hashing.Dispose();

    private bool IsRight(Evidence evidence) => _right.TryGet(evidence, out var seen) && time.GetElapsedTime(seen.At) < Believed;

    // A secret of 256 random bits can't be guessed: nobody has to wait.
    private async ValueTask<Login?> CheckRobotAsync(string name, string secret, CancellationToken cancel) =>
        await robots.FindAsync(name, cancel) is { } robot && robot.Check(secret, time.GetUtcNow()) is { } proof ? new(new(SubjectKind.Robot, name), proof) : null;

    private static string ProofOf(string hash) => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(hash)).AsSpan(0, 12));

    private async Task<bool> MatchesAsync(string password, string hash, CancellationToken cancel)
    {
        if (Interlocked.Increment(ref _waiting) > MostWaiting)
        {
            Interlocked.Decrement(ref _waiting);
            throw new RegistryException(RegistryError.Busy);
        }
        try
        {
            await _hashing.WaitAsync(cancel);
            try
            {
                return await Task.Run(() => Verify(password, hash), cancel);
            }
            finally
            {
                _hashing.Release();
            }
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    private readonly record struct Evidence(string Hash);

    private sealed record Seen(long At);
}
