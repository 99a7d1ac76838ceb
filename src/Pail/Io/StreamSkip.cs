namespace Pail.Io;

/// <summary>Passes over bytes of streams that can't seek.</summary>
internal static class StreamSkip
{
    /// <summary>Reads so many bytes and drops them.</summary>
    /// <exception cref="EndOfStreamException">The stream has fewer.</exception>
    public static async Task SkipAsync(this Stream stream, long count, CancellationToken cancel)
    {
        var buffer = new byte[(int)Math.Min(count, 128 << 10)];
        for (int read; count > 0; count -= read)
        {
            read = await stream.ReadAsync(buffer.AsMemory(0, (int)Math.Min(count, buffer.Length)), cancel);
            if (read == 0)
                throw new EndOfStreamException("A file became shorter while it was read.");
        }
    }
}
