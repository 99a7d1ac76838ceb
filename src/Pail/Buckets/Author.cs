using Pail.Oci;

namespace Pail.Buckets;

/// <summary>Who moves and removes tags, as history tells it.</summary>
internal static class Author
{
    /// <summary>The variable that says who works, where the machine's user does not: in continuous integration.</summary>
    public const string Variable = "PAIL_USER";

    private const int MaxLength = 64;

    /// <summary>The user of this process and the machine, or what <see cref="Variable"/> says.</summary>
    public static string OfProcess => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named ? Of(named) : Of($"{Environment.UserName}@{Environment.MachineName}");

    /// <summary>A name on one line, cut to a length that leaves room for others.</summary>
    public static string Of(string name) => SafeText.OneLine(name, MaxLength);
}
