using System.Net;

namespace Pail.Remote.Http;

/// <summary>Carries what a registry answered in place of what was asked for. What may work later (429, 5xx) is a <see cref="Stores.StoreException"/> instead.</summary>
/// <param name="failure">What kind of failure the status is.</param>
/// <param name="message">The status, and what the registry says.</param>
/// <param name="status">The status of the answer.</param>
/// <param name="code">The code of its first error, as <c>BLOB_UNKNOWN</c>; null if it states none.</param>
internal sealed class RegistryRefusal(Failure failure, string message, HttpStatusCode status, string? code) : PailException(failure, message)
{
    /// <summary>The status of the answer.</summary>
    public HttpStatusCode Status => status;

    /// <summary>True if the registry says that it has not got a blob that a manifest names. Source: OCI distribution-spec, "Error Codes".</summary>
    public bool IsBlobUnknown => code is "BLOB_UNKNOWN" or "MANIFEST_BLOB_UNKNOWN";
}
