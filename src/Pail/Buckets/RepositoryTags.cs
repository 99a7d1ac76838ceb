using System.Buffers;
using System.Runtime.CompilerServices;
using Pail.Buckets.Layouts;
using Pail.Oci;
using Pail.Retention;
using Pail.Stores;

namespace Pail.Buckets;

/// <summary>The tags of a repository.</summary>
public sealed class RepositoryTags
{
    private const int MaxPage = 1000;
    private const int MostTries = 20;

    private readonly Repository _repository;

    internal RepositoryTags(Repository repository) => _repository = repository;

    private Bucket Bucket => _repository.Bucket;

    private BucketLayout Layout => Bucket.Layout;

    private RepositoryName Name => _repository.Name;

    /// <summary>Lists the tags in ordinal order, strictly after one if given. One LIST for each 1,000.</summary>
    public IAsyncEnumerable<string> ListAsync(string? after = null, CancellationToken cancel = default)
    {
        var tags = PagesAsync(after, cancel).SelectMany(NameList.NamesOf).Select(ReadTag).OfType<string>();
        return Layout.NamesSortAsKeys ? tags : NameList.SortAsync(tags, after);
    }

    /// <summary>
    /// Lists at most so many tags in ordinal order, strictly after one if given. One LIST for each 1,000 wanted;
    /// may have a few less than wanted, with more to come. In a pool all tags of the repository are listed for each page.
    /// </summary>
    internal async Task<NamePage> ListPageAsync(string? after, int limit, CancellationToken cancel = default)
    {
        if (!Layout.NamesSortAsKeys)
            return NamePage.Of(await ListAsync(null, cancel).ToListAsync(cancel), after, limit);
        var tags = new List<string>();
        var found = false;
        var query = QueryAfter(after);
        while (true)
        {
            // Two more: all digests of an algorithm are folded into one entry. What S3 lists at once is one request, so the
            // one or two that these entries take away from a full page are not worth another.
            var page = await Bucket.Store.ListAsync(query with { Limit = Math.Clamp(limit - tags.Count + 2, 1, MaxPage) }, cancel);
            tags.AddRange(NameList.NamesOf(page).Select(ReadTag).OfType<string>());
            found |= tags.Count > 0 || page.Prefixes.Any(prefix => prefix.AsSpan(query.Prefix.Length) is "sha256:" or "sha512:");
            if (tags.Count > limit)
                return new NamePage(tags[..limit], More: true, found);
            if (page.Continuation is null || (tags.Count > 0 && limit - tags.Count <= 2))
                return new NamePage(tags, page.Continuation is not null, found);
            query = query with { Continuation = page.Continuation };
        }
    }

    /// <summary>Makes a tag name a manifest that is stored under its digest. One HEAD and one PUT, in a pool two; in public buckets the static lists as well.</summary>
    /// <param name="manifest">What the tag names from now on.</param>
    /// <param name="tag">The tag.</param>
    /// <param name="cancel">Ends the attempt.</param>
    public async Task PutAsync(Manifest manifest, string tag, CancellationToken cancel = default) => await PutAsync(manifest, tag, await LookAsync(tag, cancel), cancel);

    /// <summary>Makes a tag name a manifest that is stored under its digest, and remembers in its object what it named before. One PUT, in a pool two; in public buckets the static lists as well.</summary>
    /// <remarks>
    /// Where the store keeps conditions, the tag is written only if it still is what it was when it was looked at; else it is looked at again, so that
    /// no move is forgotten. An immutable tag is only made, never moved; where the store keeps no conditions, that takes a claim (<see cref="TagClaim"/>).
    /// </remarks>
    /// <param name="manifest">What the tag names from now on.</param>
    /// <param name="tag">The tag.</param>
    /// <param name="before">What it was.</param>
    /// <param name="cancel">Ends the attempt.</param>
    /// <exception cref="ImmutableTagException">It is immutable, and names something else.</exception>
    internal async Task PutAsync(Manifest manifest, string tag, TagState before, CancellationToken cancel = default)
    {
        var rule = await FindRuleAsync(tag, cancel);
        ImmutableImages.RequireSame(_repository, tag, rule, before, manifest);
        await AnnounceAsync(tag, before, cancel);
        // A tag that others move again and again is written at last whatever it is: then the last of their moves may be missing in its history.
        for (var tries = 0; !await TryWriteAsync(manifest, tag, before, before.MovesTo(manifest, Bucket.Now, _repository.By), tries < MostTries, rule is not null, cancel); tries++)
        {
            before = await LookAsync(tag, cancel);
            // Written by a try whose answer was lost, or by somebody who wanted the same.
            if (before.Is(manifest))
                break;
            ImmutableImages.RequireSame(_repository, tag, rule, before, manifest);
        }
        if (Bucket.Settings.Public)
            await Bucket.Lists.ConfirmTagAsync(Name, tag, expected: true, cancel);
    }

    /// <summary>Brings back a tag. Costs what <see cref="PutAsync(Manifest, string, TagState, CancellationToken)"/> does.</summary>
    /// <param name="manifest">What it named.</param>
    /// <param name="tag">The tag.</param>
    /// <param name="moves">What is remembered of it, newest first.</param>
    /// <param name="cancel">Ends the attempt.</param>
    /// <returns>False if there is such a tag again; where the store keeps no conditions, somebody who makes one right now may be overwritten.</returns>
    internal async Task<bool> RestoreAsync(Manifest manifest, string tag, IReadOnlyList<TagMove> moves, CancellationToken cancel = default)
    {
        if ((await LookAsync(tag, cancel)).Exists)
            return false;
        await AnnounceAsync(tag, TagState.Absent, cancel);
        var written = await TryWriteAsync(manifest, tag, TagState.Absent, moves, true, await FindRuleAsync(tag, cancel) is not null, cancel) || (await LookAsync(tag, cancel)).Is(manifest);
        if (Bucket.Settings.Public)
            await Bucket.Lists.ConfirmTagAsync(Name, tag, expected: true, cancel);
        return written;
    }

    /// <summary>The entry of the bucket's policy by which a tag can't be moved; null if it can. No request where no tag is immutable; else one GET for each policy.</summary>
    internal async ValueTask<ImmutableEntry?> FindRuleAsync(string tag, CancellationToken cancel) => (await Bucket.ImmutableAsync(cancel)).Find(Name, tag);

    /// <summary>Returns what a tag is, and what it named before. One HEAD; a GET more where its object does not carry its digest.</summary>
    internal async Task<TagState> LookAsync(string tag, CancellationToken cancel = default)
    {
        var reference = Reference.Parse(tag);
        if (await Bucket.Store.HeadAsync(KeyOf(tag), cancel) is not { } info)
            return TagState.Absent;
        var state = new TagState(null, info.ETag, info.Modified, TagHistory.Read(info));
        if (BucketLayout.DigestOf(info) is { } digest && MediaTypes.IsManifest(info.ContentType))
            return state with { Names = new Descriptor(info.ContentType, digest, info.Size) };
        try
        {
            return await _repository.Manifests.GetAsync(reference, cancel) is { } manifest ? state with { Names = manifest.Descriptor } : TagState.Absent;
        }
        catch (PailException e) when (e.Failure == Failure.BadContent)
        {
            return state;
        }
    }

    /// <summary>Removes a tag, and only that: the manifest stays under its digest, and the tag is kept for a while to be brought back. False if there is no such tag. One GET, one PUT and one DELETE, in a pool two.</summary>
    /// <exception cref="PailException"><see cref="Failure.Conflict"/>: the bucket's policy says that it is immutable.</exception>
    public async Task<bool> DeleteAsync(string tag, CancellationToken cancel = default) => await RemoveAsync(tag, cancel) is not null;

    /// <summary>Removes a tag as <see cref="DeleteAsync"/> does, and returns what went; null if there was no such tag.</summary>
    internal async Task<RemovedManifest?> RemoveAsync(string tag, CancellationToken cancel)
    {
        var (existed, found) = await RemovedEntry.LoadAsync(Bucket, KeyOf(tag), cancel);
        if (existed)
        {
            await ImmutableImages.RequireMortalAsync(_repository, tag, cancel);
            await RemovedEntry.KeepAsync(_repository, Reference.Parse(tag), found, null, cancel);
            foreach (var key in KeysOf(tag))
                await Bucket.Store.DeleteAsync(key, cancel);
        }
        // Also where the tag is gone already: an earlier deletion may have been interrupted before this.
        if (Bucket.Settings.Public)
            await Bucket.Lists.ConfirmTagAsync(Name, tag, expected: false, cancel);
        return existed ? new(RemovedManifest.ManifestOf(found), [tag]) : null;
    }

    /// <summary>The keys of a tag, in the order in which they go.</summary>
    internal IEnumerable<string> KeysOf(string tag) => Layout.TagCompanions(Name, tag).Select(companion => companion.Key).Prepend(KeyOf(tag));

    private string KeyOf(string tag) => Layout.ManifestKey(Name, Reference.Parse(tag));

    // What comes before a tag: the rest it consists of, and its place in the static list.
    private async Task AnnounceAsync(string tag, TagState before, CancellationToken cancel)
    {
        foreach (var (key, headers, body) in Layout.TagCompanions(Name, tag))
            await Bucket.Store.PutAsync(key, new ReadOnlySequence<byte>(body), headers, PutCondition.None, cancel);
        if (Bucket.Settings.Public && !before.Exists)
            await Bucket.Lists.AddTagAsync(Name, tag, cancel);
    }

    private async Task<bool> TryWriteAsync(Manifest manifest, string tag, TagState before, IReadOnlyList<TagMove> moves, bool isConditional, bool isImmutable, CancellationToken cancel)
    {
        var reference = Reference.Parse(tag);
        var headers = TagHistory.AddTo(BucketLayout.ManifestHeaders(manifest, reference), moves);
        var condition = (isImmutable ? await Bucket.Conditions.KnowAsync(cancel) : Bucket.Settings.Conditions) switch
        {
            { IfAbsent: true } when (isConditional || isImmutable) && !before.Exists => PutCondition.IfAbsent,
            { IfMatch: true } when (isConditional || isImmutable) && before.ETag.Length > 0 => PutCondition.IfMatch(before.ETag),
            _ => PutCondition.None,
        };
        try
        {
            if (condition != PutCondition.None || !isImmutable || before.Exists)
                return await WriteAsync(condition);
        }
        catch (StoreException e) when (e.Error == StoreError.ConditionUnsupported)
        {
        }
        return isImmutable && !before.Exists
            ? await TagClaim.WriteAsync(_repository, tag, manifest.Digest, () => WriteAsync(PutCondition.None), cancel)
            : await WriteAsync(PutCondition.None);

        Task<bool> WriteAsync(PutCondition with) => _repository.Manifests.WriteAsync(manifest, reference, headers, with, cancel);
    }

    /// <summary>Lists the tags with their objects, in no order that counts. One LIST for each 1,000; in a pool for each 500.</summary>
    internal IAsyncEnumerable<(string Tag, ObjectEntry Entry)> ListEntriesAsync(CancellationToken cancel) => Bucket
        .ListItemsAsync(Layout.NamesSortAsKeys ? Layout.TagQuery(Name) : Layout.TagQuery(Name) with { Delimiter = null }, cancel)
        .Where(item => item.Meaning is { Kind: KeyKind.Tag, Repository: { } name } && name == Name)
        .Select(item => (item.Meaning.Tag!, item.Entry));

    // The size is null where the layout folds a tag's object away.
    internal async IAsyncEnumerable<(string Tag, long? Size)> ListWithSizesAsync([EnumeratorCancellation] CancellationToken cancel)
    {
        await foreach (var page in PagesAsync(null, cancel))
        {
            foreach (var prefix in page.Prefixes)
                if (ReadTag(prefix) is { } folded)
                    yield return (folded, null);
            foreach (var item in page.Objects)
                if (ReadTag(item.Key) is { } tag)
                    yield return (tag, item.Size);
        }
    }

    private IAsyncEnumerable<ListPage> PagesAsync(string? after, CancellationToken cancel) => Bucket.Store.ListPagesAsync(QueryAfter(after), cancel);

    private ListQuery QueryAfter(string? after) => Layout.TagQuery(Name) with { StartAfter = after is null ? null : Layout.TagStart(Name, after) };

    private string? ReadTag(string keyOrPrefix) => Layout.ReadTag(Name, keyOrPrefix);
}
