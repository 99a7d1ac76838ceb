using Pail.Oci;
using Pail.Places;
using Pail.Policies;
using Pail.Remote;

namespace Pail.Cli.Commands;

/// <summary>Tags or a manifest of a registry that are to be removed.</summary>
internal sealed class RegistryRemoval
{
    private readonly RegistryDeletion _deletion;
    private readonly IReadOnlyList<Address.Registry> _images;

    private RegistryRemoval(RegistryDeletion deletion, IReadOnlyList<Address.Registry> images, bool needsConsent) => (_deletion, _images, NeedsConsent) = (deletion, images, needsConsent);

    /// <summary>True if more goes than a tag that was named by itself.</summary>
    public bool NeedsConsent { get; }

    /// <summary>The addresses.</summary>
    public IEnumerable<string> Addresses => _images.Select(image => image.ToString());

    /// <summary>Reads an address, and the tags that its pattern matches.</summary>
    public static async Task<RegistryRemoval> PlanAsync(VerbRun session, string text, CancellationToken cancel)
    {
        var colon = text.LastIndexOf(':');
        var pattern = colon > text.LastIndexOf('/') ? text[(colon + 1)..] : "";
        if (Buckets.ImagePattern.HasWildcards(pattern) && AddressParser.Parse(text[..colon]) is Address.Registry { Reference: null } repository)
        {
            var glob = ReadGlob(text, pattern);
            var tags = await (await session.Places.ListTagsAsync(repository, cancel)).Where(glob.Matches).Order(StringComparer.Ordinal).ToListAsync(cancel);
            return new(Open(session, repository), [.. tags.Select(tag => repository with { Reference = Reference.Parse(tag) })], needsConsent: true);
        }
        return AddressParser.Parse(text) is Address.Registry { Reference: { } reference } image
            ? new(Open(session, image), [image], needsConsent: reference.Digest is not null)
            : throw Addressed.Bad(text, "a tag or digest is expected: s3://BUCKET/REPO:TAG, file:DIR//REPO:TAG or docker://HOST/REPO:TAG. A registry's API removes no repositories.");
    }

    /// <summary>Removes them, one after the other. One DELETE each.</summary>
    public async Task RunAsync(RemovalOutcome outcome, CancellationToken cancel)
    {
        foreach (var image in _images)
        {
            try
            {
                await _deletion.DeleteAsync(image.Reference!.Value, cancel);
                outcome.Removed(image.ToString());
            }
            catch (PailException e) when (!cancel.IsCancellationRequested)
            {
                outcome.Failed(image.ToString(), e);
            }
        }
    }

    private static RegistryDeletion Open(VerbRun session, Address.Registry image) => new(image.Host, image.Repository, session.Places.Registries);

    private static Glob ReadGlob(string text, string pattern)
    {
        try
        {
            return Glob.OfTags(pattern);
        }
        catch (FormatException e)
        {
            throw Addressed.Bad(text, e.Message);
        }
    }
}
