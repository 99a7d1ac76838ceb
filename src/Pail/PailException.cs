namespace Pail;

/// <summary>What went wrong, in the terms that decide an exit code or a status.</summary>
public enum Failure
{
    /// <summary>What was asked for makes no sense: a bad reference, option or address.</summary>
    BadInput,

    /// <summary>It is not there: bucket, repository, tag, blob, image, file.</summary>
    NotFound,

    /// <summary>The other side knows who we are and forbids it, or wants to know who we are.</summary>
    Denied,

    /// <summary>Content isn't what its digest, size or format says.</summary>
    BadContent,

    /// <summary>The other side failed or can't be reached, and may be well again later.</summary>
    Unavailable,

    /// <summary>Somebody else changed the same thing at the same time, and retrying did not help.</summary>
    Conflict,
}

/// <summary>An error a person can act on: one line that says what failed and what to do. Never holds a credential.</summary>
public class PailException : Exception
{
    /// <summary>Makes one.</summary>
    public PailException(Failure failure, string message, Exception? inner = null)
        : base(message, inner) => Failure = failure;

    /// <summary>What kind of failure it is.</summary>
    public Failure Failure { get; }
}
