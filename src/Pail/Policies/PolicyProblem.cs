namespace Pail.Policies;

/// <summary>What is wrong with a file that people write, and where.</summary>
/// <param name="Line">The line, from 1.</param>
/// <param name="Column">The character of the line, from 1.</param>
/// <param name="Message">What is wrong and what to write instead, without a full stop.</param>
internal sealed record PolicyProblem(int Line, int Column, string Message)
{
    /// <summary>As compilers write it.</summary>
    public override string ToString() => $"{Line}:{Column}: {Message}";
}
