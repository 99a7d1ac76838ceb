namespace Pail.Remote;

/// <summary>How registries are reached. What is not said here comes from Docker's and Podman's files and the environment.</summary>
public sealed record RegistryOptions
{
    /// <summary>Speak HTTP, without encryption, to the registries named. On loopback that is found out without being told.</summary>
    public bool PlainHttp { get; init; }

    /// <summary>The registries, by host and port as addresses name them, to speak HTTP to; all others are spoken to as ever.</summary>
    public IReadOnlyCollection<string> PlainHttpHosts { get; init; } = [];

    /// <summary>A PEM file of certificate authorities to trust besides those of the system.</summary>
    public string? CaFile { get; init; }

    /// <summary>A folder of <c>*.crt</c> (authorities) and <c>*.cert</c> with <c>*.key</c> (a client's certificate), instead of Docker's and Podman's certs.d.</summary>
    public string? CertificateFolder { get; init; }

    /// <summary>Reads an environment variable.</summary>
    internal Func<string, string?> Variable { get; init; } = Environment.GetEnvironmentVariable;

    /// <summary>Hears, in one line each, of what does not end the work and should be known: a login that can't be read, entries left out of a list.</summary>
    public Action<string>? Warn { get; init; }

    /// <summary>How long nothing may move, or an answer not begin, before a request is given up.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>What a body must bring a second on average, in bytes, once <see cref="Patience"/> has passed: who drips is no slow line.</summary>
    public long SlowestRate { get; init; } = 1 << 10;

    /// <summary>The clock that patience is measured by.</summary>
    internal TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>True if that registry is to be spoken to without encryption.</summary>
    internal bool IsPlain(string host) => PlainHttp || PlainHttpHosts.Contains(host, StringComparer.OrdinalIgnoreCase);

    /// <summary>Where the system keeps what need not outlive it, and Podman its logins where <c>XDG_RUNTIME_DIR</c> names no other place.</summary>
    internal string RunFolder { get; init; } = "/run";

    /// <summary>The variable's value, null also where it is empty.</summary>
    internal string? this[string variable] => Variable(variable) is { Length: > 0 } value ? value : null;

    /// <summary>The user's home folder.</summary>
    internal string Home => this["HOME"] ?? Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
}
