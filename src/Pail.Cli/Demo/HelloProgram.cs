using System.Buffers.Binary;
using System.Text;

namespace Pail.Cli.Demo;

/// <summary>
/// A whole Linux program in under 300 bytes: it writes one line and ends. It needs no libc, no shell, no file beside itself,
/// so an image that holds nothing else runs.
/// </summary>
internal static class HelloProgram
{
    // Where the program lies in memory; a multiple of the largest page size in use, 64 KiB.
    private const ulong Base = 0x400000;
    private const int HeaderSize = 64;
    private const int SegmentSize = 56;

    /// <summary>The program for <c>amd64</c> or <c>arm64</c>.</summary>
    public static byte[] Build(string architecture, string line)
    {
        var text = Encoding.UTF8.GetBytes(line + "\n");
        var (machine, code) = architecture == "arm64" ? ((ushort)183, Arm64(text.Length)) : ((ushort)62, X64(text.Length));
        byte[] body = [.. code, .. text];
        return [.. Header(machine), .. Segment(HeaderSize + SegmentSize + body.Length), .. body];
    }

    // Source: System V ABI, "ELF Header". Little-endian, 64 bits, executable, one program header right behind.
    private static byte[] Header(ushort machine)
    {
        var header = new byte[HeaderSize];
        ((ReadOnlySpan<byte>)[0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1]).CopyTo(header);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(16), 2);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(18), machine);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(20), 1);
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(24), Base + HeaderSize + SegmentSize);
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(32), HeaderSize);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(52), HeaderSize);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(54), SegmentSize);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(56), 1);
        return header;
    }

    // One segment, the whole file, readable and executable.
    private static byte[] Segment(int size)
    {
        var segment = new byte[SegmentSize];
        BinaryPrimitives.WriteUInt32LittleEndian(segment, 1);
        BinaryPrimitives.WriteUInt32LittleEndian(segment.AsSpan(4), 4 | 1);
        BinaryPrimitives.WriteUInt64LittleEndian(segment.AsSpan(16), Base);
        BinaryPrimitives.WriteUInt64LittleEndian(segment.AsSpan(24), Base);
        BinaryPrimitives.WriteUInt64LittleEndian(segment.AsSpan(32), (ulong)size);
        BinaryPrimitives.WriteUInt64LittleEndian(segment.AsSpan(40), (ulong)size);
        BinaryPrimitives.WriteUInt64LittleEndian(segment.AsSpan(48), 0x10000);
        return segment;
    }

    // write(1, text, length); exit(0). The text follows the code.
    private static byte[] X64(int length) =>
    [
        0xb8, 1, 0, 0, 0, // mov eax, 1
        0xbf, 1, 0, 0, 0, // mov edi, 1
        0x48, 0x8d, 0x35, 16, 0, 0, 0, // lea rsi, [rip + 16]
        0xba, (byte)length, (byte)(length >> 8), 0, 0, // mov edx, length
        0x0f, 0x05, // syscall
        0xb8, 60, 0, 0, 0, // mov eax, 60
        0x31, 0xff, // xor edi, edi
        0x0f, 0x05, // syscall
    ];

    private static byte[] Arm64(int length)
    {
        uint[] code =
        [
            0xd2800020, // mov x0, #1
            0x100000e1, // adr x1, #28
            0xd2800002 | (uint)length << 5, // mov x2, #length
            0xd2800808, // mov x8, #64
            0xd4000001, // svc #0
            0xd2800000, // mov x0, #0
            0xd2800ba8, // mov x8, #93
            0xd4000001, // svc #0
        ];
        var bytes = new byte[code.Length * 4];
        for (var index = 0; index < code.Length; index++)
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(index * 4), code[index]);
        return bytes;
    }
}
