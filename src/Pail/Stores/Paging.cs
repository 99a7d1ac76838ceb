using System.Runtime.CompilerServices;

namespace Pail.Stores;

/// <summary>Lists read to their end.</summary>
internal static class Paging
{
    /// <summary>Reads all pages of a list. One LIST each.</summary>
    public static async IAsyncEnumerable<ListPage> ListPagesAsync(this IObjectStore store, ListQuery query, [EnumeratorCancellation] CancellationToken cancel = default)
    {
        for (ListQuery? next = query; next is not null;)
        {
            var page = await store.ListAsync(next, cancel);
            yield return page;
            next = page.Continuation is null ? null : next with { Continuation = page.Continuation };
        }
    }

    /// <summary>Reads the objects of all pages of a list. One LIST for each 1,000.</summary>
    public static IAsyncEnumerable<ObjectEntry> ListObjectsAsync(this IObjectStore store, ListQuery query, CancellationToken cancel = default) =>
        store.ListPagesAsync(query, cancel).SelectMany(page => page.Objects);

    /// <summary>Reads all uploads not yet completed or aborted whose key begins so. One LIST for each 1,000.</summary>
    public static async Task<IReadOnlyList<PendingUpload>> ListUploadsAsync(this IMultipartUploads store, string prefix, CancellationToken cancel = default)
    {
        List<PendingUpload> uploads = [];
        UploadId? after = null;
        do
        {
            var page = await store.ListUploadsAsync(prefix, after, cancel);
            uploads.AddRange(page.Uploads);
            after = page.Next;
        }
        while (after is not null);
        return uploads;
    }
}
