using System.Buffers;

namespace Pail.Stores;

/// <summary>Bytes of which only the number matters: any number of zeros in one megabyte of memory. What is sent to a store that keeps no bytes.</summary>
internal static class Blank
{
    private static readonly byte[] Zeros = new byte[1 << 20];

    /// <summary>So many bytes.</summary>
    public static ReadOnlySequence<byte> Of(long length)
    {
        var first = new Segment(0, (int)Math.Min(length, Zeros.Length));
        var last = first;
        while (last.End < length)
            last = last.Add((int)Math.Min(length - last.End, Zeros.Length));
        return new(first, 0, last, last.Memory.Length);
    }

    /// <summary>Whether bytes were made here.</summary>
    public static bool IsOne(ReadOnlySequence<byte> bytes) => bytes.Start.GetObject() is Segment;

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(long start, int length) => (Memory, RunningIndex) = (Zeros.AsMemory(0, length), start);

        public long End => RunningIndex + Memory.Length;

        public Segment Add(int length)
        {
            var next = new Segment(End, length);
            Next = next;
            return next;
        }
    }
}
