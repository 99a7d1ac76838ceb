using Microsoft.Extensions.Primitives;

namespace Pail.Server.Http;

/// <summary>Values of headers that go out often, made once.</summary>
internal static class HeaderValues
{
    /// <summary>The name of the header that says which registry API this is.</summary>
    public const string ApiVersionName = "Docker-Distribution-Api-Version";

    /// <summary>The name of the header that carries a digest.</summary>
    public const string DigestName = "Docker-Content-Digest";

    public static readonly StringValues ApiVersion = "registry/2.0";
    public const string Json = "application/json";
}
