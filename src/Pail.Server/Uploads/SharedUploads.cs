namespace Pail.Server.Uploads;

/// <summary>The uploads under way in this replica that others may join, by the key of the blob.</summary>
internal sealed class SharedUploads
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, SharedUpload> _byKey = [];

    /// <summary>Joins the upload to that key, or begins one. To be left again.</summary>
    public SharedUpload Join(string key, Func<SharedUpload> begin)
    {
        lock (_lock)
        {
            if (!_byKey.TryGetValue(key, out var upload) || upload.IsDisputed)
                _byKey[key] = upload = begin();
            upload.Senders++;
            return upload;
        }
    }

    /// <summary>An upload that nobody else joins.</summary>
    public static SharedUpload Alone(SharedUpload upload)
    {
        upload.Senders = 1;
        return upload;
    }

    /// <summary>Leaves an upload. With the last who leaves, it ends.</summary>
    public async Task LeaveAsync(string key, SharedUpload upload)
    {
        lock (_lock)
        {
            if (--upload.Senders > 0)
                return;
            if (_byKey.GetValueOrDefault(key) == upload)
                _byKey.Remove(key);
        }
        await upload.DisposeAsync();
    }
}
