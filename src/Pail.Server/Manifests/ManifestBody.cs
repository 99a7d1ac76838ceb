using System.Buffers;
using Microsoft.AspNetCore.Http;
using Pail.Oci;
using Pail.Server.Errors;

namespace Pail.Server.Manifests;

/// <summary>
/// Reads the body of a manifest's PUT. Memory grows with what has come, not with what was announced, and all that come
/// at once share a bound: many large ones are told to come again.
/// </summary>
internal sealed class ManifestBody
{
    private const int FirstSize = 16 << 10;
    private const long SharedLimit = 64L << 20;

    private long _inUse;

    public async Task<(RegistryError? Error, byte[] Bytes)> ReadAsync(HttpRequest request, CancellationToken cancel)
    {
        if (request.ContentLength > Manifest.MaxSize)
            return (TooLarge, []);
        var taken = 0;
        try
        {
            var buffer = new byte[Take(ref taken, FirstSize)];
            var length = 0;
            while (true)
            {
                var read = await request.BodyReader.ReadAsync(cancel);
                try
                {
                    if (length + read.Buffer.Length > Manifest.MaxSize)
                        return (TooLarge, []);
                    var needed = length + (int)read.Buffer.Length;
                    if (needed > buffer.Length)
                    {
                        var size = Math.Min(Manifest.MaxSize, Math.Max(needed, buffer.Length * 2));
                        if (Interlocked.Read(ref _inUse) + size > SharedLimit)
                            return (RegistryError.Busy, []);
                        Array.Resize(ref buffer, Take(ref taken, size - buffer.Length) + buffer.Length);
                    }
                    read.Buffer.CopyTo(buffer.AsSpan(length));
                    length = needed;
                }
                finally
                {
                    // Also when it is refused: only a read that was ended lets the server throw the rest away and go on.
                    request.BodyReader.AdvanceTo(read.Buffer.End);
                }
                if (read.IsCompleted)
                    return (null, buffer.AsSpan(0, length).ToArray());
            }
        }
        finally
        {
            Interlocked.Add(ref _inUse, -taken);
        }
    }

    private static RegistryError TooLarge => RegistryError.SizeTooLarge.About($"a manifest has at most {Manifest.MaxSize} bytes");

    private int Take(ref int taken, int bytes)
    {
        taken += bytes;
        Interlocked.Add(ref _inUse, bytes);
        return bytes;
    }
}
