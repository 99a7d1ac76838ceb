using System.Buffers;

namespace Pail.Tests.Stores;

/// <summary>A sequence cut into segments, as pooled buffers give it.</summary>
internal sealed class Segments : ReadOnlySequenceSegment<byte>
{
    private Segments(ReadOnlyMemory<byte> memory, long index) => (Memory, RunningIndex) = (memory, index);

    public static ReadOnlySequence<byte> Of(byte[] bytes, int segment)
    {
        var first = new Segments(bytes.AsMemory(0, Math.Min(segment, bytes.Length)), 0);
        var last = first;
        for (var offset = segment; offset < bytes.Length; offset += segment)
        {
            var next = new Segments(bytes.AsMemory(offset, Math.Min(segment, bytes.Length - offset)), offset);
            last.Next = next;
            last = next;
        }
        return new(first, 0, last, last.Memory.Length);
    }
}
