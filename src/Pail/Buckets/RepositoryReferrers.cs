using Pail.Oci;

namespace Pail.Buckets;

/// <summary>What refers to the manifests of a repository: signatures, SBOMs, attestations.</summary>
public sealed class RepositoryReferrers
{
    private const int MaxListSize = 64 << 20;

    private readonly Repository _repository;

    internal RepositoryReferrers(Repository repository) => _repository = repository;

    /// <summary>Lists what refers to a manifest; empty if nothing does. One GET.</summary>
    public async Task<IReadOnlyList<Descriptor>> ListAsync(Digest subject, CancellationToken cancel = default) =>
        ReferrerList.Read((await SmallObject.ReadAsync(_repository.Bucket.Store, KeyOf(subject), MaxListSize, cancel))?.Bytes);

    // One GET and one PUT, more if others change the same list.
    internal async Task ChangeAsync(Digest subject, Func<ReadOnlyMemory<byte>?, byte[]?> change, CancellationToken cancel) =>
        await SmallObject.UpdateAsync(
            _repository.Bucket.Store, KeyOf(subject), _repository.Bucket.Layout.ReferrersHeaders, MaxListSize, await _repository.Bucket.Conditions.KnowAsync(cancel), change, cancel);

    private string KeyOf(Digest subject) => _repository.Bucket.Layout.ReferrersKey(_repository.Name, subject);
}
