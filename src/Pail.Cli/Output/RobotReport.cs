namespace Pail.Cli.Output;

/// <summary>What <c>pail robot create|rotate --json</c> write.</summary>
internal sealed record RobotMade(string Robot, string Login, string Secret, DateTimeOffset? Expires)
{
    public CostReport? Requests { get; init; }
}

/// <summary>What <c>pail robot ls --json</c> writes.</summary>
internal sealed record RobotListing(string Bucket, IReadOnlyList<RobotEntry> Robots)
{
    public CostReport? Requests { get; init; }
}

/// <summary>A robot.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Repositories">Where it may do something.</param>
/// <param name="Actions">What.</param>
/// <param name="Secrets">How many secrets of it are good.</param>
/// <param name="Created">When it was made.</param>
/// <param name="Expires">When it ends.</param>
/// <param name="Alive">False if it has ended.</param>
internal sealed record RobotEntry(string Name, IReadOnlyList<string> Repositories, IReadOnlyList<string> Actions, int Secrets, DateTimeOffset Created, DateTimeOffset? Expires, bool Alive);
