namespace Pail.Io;

/// <summary>Streams one behind the other.</summary>
/// <param name="parts">Them; disposed with this.</param>
internal sealed class JoinedStream(params Stream[] parts) : ReadOnlyStream
{
    private int _current;

    /// <summary>A stream of which some was read already, from its beginning again.</summary>
    public JoinedStream(byte[] head, Stream rest)
        : this(new MemoryStream(head), rest)
    {
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        for (; _current < parts.Length; _current++)
            if (await parts[_current].ReadAsync(buffer, cancellationToken) is > 0 and var read)
                return read;
        return 0;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            foreach (var part in parts)
                part.Dispose();
        base.Dispose(disposing);
    }
}
