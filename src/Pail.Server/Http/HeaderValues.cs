using Microsoft.Extensions.Primitives;

namespace Pail.Server.Http;

/// <summary>Names that are not among the framework's, and values that go out often, made once.</summary>
internal static class HeaderValues
{
    /// <summary>Says which registry API this is.</summary>
    public const string ApiVersionName = "Docker-Distribution-Api-Version";

    /// <summary>Carries a digest.</summary>
    public const string DigestName = "Docker-Content-Digest";

    /// <summary>On <c>/v2/</c>, says which of Pail's extensions there are.</summary>
    public const string ExtensionsName = "Pail-Extensions";

    /// <summary>Clients may send blobs to the bucket themselves: docs/direct-upload.md.</summary>
    public const string DirectUpload = "direct-upload";

    public const string Json = "application/json";

    public static readonly StringValues ApiVersion = "registry/2.0";
    public static readonly StringValues Bytes = "bytes";

    /// <summary>For what never changes under its name.</summary>
    public static readonly StringValues Immutable = "max-age=31536000";

    /// <summary>How long browsers shall ask for nothing but HTTPS. Source: RFC 6797.</summary>
    public static readonly StringValues OneYear = "max-age=31536000";
}
