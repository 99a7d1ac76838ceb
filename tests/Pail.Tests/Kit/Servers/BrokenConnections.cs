using System.Text.RegularExpressions;
using Xunit.Sdk;

namespace Pail.Tests.Kit.Servers;

/// <summary>What clients see of a replica that ends: a connection that broke, and nothing else.</summary>
internal static partial class BrokenConnections
{
    private const int MostTries = 20;

    /// <summary>Does the work, and again where a connection broke: the next try goes to another replica, or to this one when it is there again.</summary>
    public static async Task TryAgainAsync(Func<Task> work)
    {
        for (var tries = 1; ; tries++)
            try
            {
                await work();
                return;
            }
            catch (XunitException e) when (tries < MostTries && Broken().IsMatch(e.Message))
            {
            }
    }

    // A connection that broke, to the client or, which HAProxy tells as 502, to the replica. Nothing that a registry says.
    [GeneratedRegex(@"\bEOF\b|connection reset|broken pipe|closed network connection|502 \(?Bad Gateway", RegexOptions.NonBacktracking)]
    private static partial Regex Broken();
}
