
namespace Pail.Io;

/// <summary>Passes bytes through and says how many.</summary>
/// <param name="inner">The bytes; not disposed with this.</param>
/// <param name="counted">Hears of each read.</param>
internal sealed class CountingStream(Stream inner, Action<int> counted) : ReadOnlyStream
{
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await inner.ReadAsync(buffer, cancellationToken);
        counted(read);
        return read;
    }
}
