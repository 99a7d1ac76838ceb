using System.Collections.Concurrent;
using Pail.Oci;

namespace Pail.Images;

/// <summary>What dry runs would have written to one place by now: the next one finds it there, as the next copy would.</summary>
internal sealed class DryRunState
{
    private readonly ConcurrentDictionary<Digest, bool> _written = new();

    /// <summary>True if a blob or manifest would be there.</summary>
    public bool Holds(Digest digest) => _written.ContainsKey(digest);

    /// <summary>A blob or manifest would be written.</summary>
    public void Add(Digest digest) => _written[digest] = true;
}
