using System.Net.Http.Headers;
using System.Text;

namespace Pail.Remote.Credentials;

/// <summary>What proves to a registry who we are.</summary>
/// <param name="User">The user name; empty with a token alone.</param>
/// <param name="Password">The password, if there is one.</param>
internal sealed record Credential(string User, string? Password)
{
    /// <summary>The user name that helpers give with an identity token instead of a password.</summary>
    internal const string TokenUser = "<token>";

    /// <summary>A token that other tokens are had for (<c>identitytoken</c>), instead of a password.</summary>
    public string? IdentityToken { get; init; }

    /// <summary>A bearer token for the registry itself (<c>registrytoken</c>), had by other means; then nothing else counts.</summary>
    public string? RegistryToken { get; init; }

    /// <summary>Where it was found, for messages.</summary>
    public string Origin { get; init; } = "the command line";

    /// <summary>As Basic authentication sends it; null without a password.</summary>
    internal AuthenticationHeaderValue? Basic => Password is null ? null : new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{User}:{Password}")));

    /// <summary>Never what it holds.</summary>
    public override string ToString() => $"a credential from {Origin}";
}
