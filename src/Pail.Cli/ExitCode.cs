namespace Pail.Cli;

/// <summary>The exit codes, as docs/exit-codes.md lists them.</summary>
internal static class ExitCode
{
    /// <summary>It is done.</summary>
    public const int Ok = 0;

    /// <summary>Something nobody thought of: a fault of Pail's.</summary>
    public const int Unexpected = 1;

    /// <summary>The command line, an address or an option makes no sense.</summary>
    public const int BadUsage = 2;

    /// <summary>The bucket, repository, tag, image or file is not there.</summary>
    public const int NotFound = 3;

    /// <summary>Credentials are missing, wrong, or do not allow it.</summary>
    public const int Denied = 4;

    /// <summary>Content is not what its digest, size or format says.</summary>
    public const int BadContent = 5;

    /// <summary>The other side fails or can't be reached; trying again may help.</summary>
    public const int Unavailable = 6;

    /// <summary>Somebody else changed the same thing at the same time.</summary>
    public const int Conflict = 7;

    /// <summary>It is done, and what was compared differs.</summary>
    public const int Different = 8;

    /// <summary>Ended by a signal: this and the signal's number, as shells count. 130 for Ctrl-C.</summary>
    public const int Signal = 128;

    /// <summary>The exit code for a kind of failure.</summary>
    public static int Of(Failure failure) => failure switch
    {
        Failure.BadInput => BadUsage,
        Failure.NotFound => NotFound,
        Failure.Denied => Denied,
        Failure.BadContent => BadContent,
        Failure.Unavailable => Unavailable,
        Failure.Conflict => Conflict,
        _ => Unexpected,
    };
}
