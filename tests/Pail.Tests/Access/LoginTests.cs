using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Pail.Access;
using Pail.Buckets;
using Pail.Buckets.Layouts;
using Pail.Server.Access;
using Pail.Server.Errors;
using Pail.Tests.Kit;
using Pail.Tests.Transfer;
using Pail.Transfer;

namespace Pail.Tests.Access;

public sealed class LoginTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("alice", "NAME:HASH is expected")]
    [InlineData(":xyzzy", "NAME:HASH is expected")]
    [InlineData("alice:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "not bcrypt")]
    [InlineData("alice:$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/", "not bcrypt")]
    [InlineData("alice:plain", "not bcrypt")]
    [InlineData("alice:$2y$17$abcdefghijklmnopqrstuvabcdefghijklmnopqrstuvabcdefghijk01234", "not bcrypt")]
    public void Passwords_ThatAreNoBcrypt_AreRefused_WithoutSayingThem(string line, string message)
    {
        var e = Assert.Throws<PailException>(() => PasswordFile.Parse($"# users\n{line}\n", "users"));
        Assert.StartsWith("users:2: ", e.Message, StringComparison.Ordinal);
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(line.Split(':')[^1], e.Message.Replace("NAME:HASH", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public void Passwords_AUserTwice_IsRefused() =>
        Assert.Contains("twice", Assert.Throws<PailException>(() => PasswordFile.Parse($"a:{Hash("x")}\na:{Hash("y")}", "users")).Message, StringComparison.Ordinal);

    [Fact]
    public void Passwords_UnknownUser_TakesTheWorkOfAKnownOne()
    {
        var users = PasswordFile.Parse($"a:{Hash("x", 4)}\nb:{Hash("x", 5)}\r\n\n", "users");
        Assert.Equal(2, users.Hashes.Count);
        var costs = Enumerable.Range(0, 200).Select(i => users.HashOf($"unknown{i}", out var known)![..7] + (known ? "!" : "")).ToList();
        // The same costs as users have, and for one name always the same.
        Assert.Equal(users.Hashes.Values.Select(hash => hash[..7]).Order(StringComparer.Ordinal), costs.Distinct().Order(StringComparer.Ordinal));
        Assert.Equal(users.HashOf("unknown1", out _), users.HashOf("unknown1", out _));
        Assert.False(BCrypt.Net.BCrypt.Verify("x", users.HashOf("unknown1", out _)));
    }

    [Fact]
    public async Task Check_UnknownUser_IsOneEvaluationOfBcrypt_AtTheCostOfAUser()
    {
        var costs = new List<int>();
        using var logins = new Logins(NoRobots(), new FakeTimeProvider())
        {
            Users = PasswordFile.Parse(string.Join('\n', Enumerable.Range(0, 20).Select(number => $"user{number}:{Hash("right", number < 10 ? 4 : 5)}")), "users"),
            Verify = (password, hash) =>
            {
                lock (costs)
                    costs.Add(int.Parse(hash[4..6], CultureInfo.InvariantCulture));
                return BCrypt.Net.BCrypt.Verify(password, hash);
            },
        };
        var known = await CostsAsync("user", "wrong");
        Assert.Equal(Enumerable.Repeat(4, 10).Concat(Enumerable.Repeat(5, 10)), known);
        // One evaluation each, of each cost about as often as users have it, and the same for the same name.
        var unknown = await CostsAsync("nobody", "wrong");
        Assert.Equal(known.Count, unknown.Count);
        Assert.Subset(known.ToHashSet(), unknown.ToHashSet());
        Assert.Equal(unknown, await CostsAsync("nobody", "right"));
        // A name of a robot, a password that is none: no evaluation, whether there is such a user or not.
        Assert.Empty(await CostsAsync("robot+nobody", "wrong"));
        Assert.Empty(await CostsAsync("user", ""));
        Assert.Empty(await CostsAsync("nobody", ""));
        Assert.Empty(await CostsAsync("user", new string('x', 5000)));
        Assert.Empty(await CostsAsync("nobody", new string('x', 5000)));

        async Task<List<int>> CostsAsync(string name, string password)
        {
            costs.Clear();
            for (var number = 0; number < 20; number++)
                Assert.Null(await logins.CheckAsync($"{name}{number}", password, "1.1.1.1", Cancel));
            return [.. costs];
        }
    }

    [Fact]
    public async Task Check_RightWrongAndChanged()
    {
        using var logins = new Logins(NoRobots(), new FakeTimeProvider()) { Users = PasswordFile.Parse($"a:{Hash("right")}", "users") };
        var login = await logins.CheckAsync("a", "right", "1.1.1.1", Cancel);
        Assert.Equal(new Subject(SubjectKind.User, "a"), login!.Subject);
        Assert.Equal(login, await logins.CheckAsync("a", "right", "1.1.1.1", Cancel));
        Assert.Null(await logins.CheckAsync("a", "wrong", "1.1.1.1", Cancel));
        Assert.Null(await logins.CheckAsync("A", "right", "1.1.1.1", Cancel));
        Assert.Null(await logins.CheckAsync("b", "right", "1.1.1.1", Cancel));
        Assert.Null(await logins.CheckAsync("a", "", "1.1.1.1", Cancel));
        Assert.True(await logins.StillHoldsAsync(login.Subject, login.Proof, Cancel));
        Assert.False(await logins.StillHoldsAsync(new Subject(SubjectKind.Robot, "a"), login.Proof, Cancel));
        // A password that was right a moment ago is not remembered past its change.
        logins.Users = PasswordFile.Parse($"a:{Hash("other")}", "users");
        Assert.Null(await logins.CheckAsync("a", "right", "1.1.1.1", Cancel));
        Assert.False(await logins.StillHoldsAsync(login.Subject, login.Proof, Cancel));
    }

    [Fact]
    public async Task Check_ManyFailures_WaitTheirTurn_AtThatAddressAlone()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        using var logins = new Logins(NoRobots(), time) { Users = PasswordFile.Parse($"a:{Hash("right")}\nb:{Hash("right")}", "users") };
        for (var i = 0; i < 5; i++)
            Assert.Null(await logins.CheckAsync("a", "wrong", "6.6.6.6", Cancel));
        var sixth = logins.CheckAsync("a", "wrong", "6.6.6.6", Cancel).AsTask();
        Assert.False(sixth.IsCompleted);
        Assert.NotNull(await logins.CheckAsync("a", "right", "1.1.1.1", Cancel));
        Assert.NotNull(await logins.CheckAsync("b", "right", "6.6.6.6", Cancel));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(await sixth);
        // Those that come at once wait one after the other, and are sent away when that takes too long.
        var waiting = Enumerable.Range(0, 100).Select(_ => logins.CheckAsync("a", "wrong", "6.6.6.6", Cancel).AsTask()).ToList();
        var sent = waiting.Where(task => task.IsFaulted).Select(task => Assert.IsType<RegistryException>(task.Exception!.InnerException).Error).ToList();
        Assert.NotEmpty(sent);
        Assert.All(sent, error => Assert.True(error is { Status: 429, RetryAfter: not null }));
        Assert.InRange(waiting.Count - sent.Count, 1, 20);
        time.Advance(TimeSpan.FromMinutes(16));
        await Task.WhenAll(waiting.Where(task => !task.IsFaulted));
        // The right password is right also there, after its turn.
        var right = logins.CheckAsync("a", "right", "6.6.6.6", Cancel).AsTask();
        time.Advance(TimeSpan.FromSeconds(10));
        Assert.NotNull(await right);
    }

    [Fact]
    public async Task Check_ManyAtOnce_AreCheckedOneByOne_SoThatNoMoreThanFiveAreFree()
    {
        var (time, evaluations) = (new FakeTimeProvider(DateTimeOffset.UtcNow), 0);
        using var logins = new Logins(NoRobots(), time)
        {
            Users = PasswordFile.Parse($"a:{Hash("right")}", "users"),
            Verify = (password, hash) => Interlocked.Increment(ref evaluations) > 0 && BCrypt.Net.BCrypt.Verify(password, hash),
        };
        var guesses = Enumerable.Range(0, 60).Select(number => logins.CheckAsync("a", $"guess {number}", "6.6.6.6", Cancel).AsTask()).ToList();
        // A turn comes each quarter of a second, for eight seconds: 32 wait for them, at a clock that stands still.
        await Eventually.TrueAsync(() => evaluations == 5 && guesses.Count(guess => guess.IsCompletedSuccessfully) == 5 && guesses.Count(guess => guess.IsFaulted) == 60 - 5 - 32);
        Assert.All(guesses.Where(guess => guess.IsFaulted), guess => Assert.Equal(429, Assert.IsType<RegistryException>(guess.Exception!.InnerException).Error.Status));
        // Clients that come at once with the right password are not held up: it is checked once.
        evaluations = 0;
        Assert.All(await Task.WhenAll(Enumerable.Range(0, 60).Select(_ => logins.CheckAsync("a", "right", "1.1.1.1", Cancel).AsTask())), Assert.NotNull);
        Assert.Equal(1, evaluations);
        time.Advance(TimeSpan.FromMinutes(1));
        await Eventually.EndsAsync(Task.WhenAll(guesses.Where(guess => !guess.IsFaulted)));
    }

    private static Robots NoRobots() => new(
        new Bucket(new MemoryStore(), new TransferEngine(new()), new BucketSettings(LayoutKind.V2, Public: false)), NullLogger.Instance, TimeProvider.System);

    private static string Hash(string password, int cost = 4) => BCrypt.Net.BCrypt.HashPassword(password, cost);
}
