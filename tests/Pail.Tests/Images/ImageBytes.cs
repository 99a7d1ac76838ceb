using System.Formats.Tar;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text.Json;
using Pail.Oci;

namespace Pail.Tests.Images;

/// <summary>The parts of images, made by the runtime's own writers: another hand than the one that reads them.</summary>
internal static class ImageBytes
{
    /// <summary>The architecture of this machine, as images name it.</summary>
    public static string Architecture { get; } = RuntimeInformation.OSArchitecture == System.Runtime.InteropServices.Architecture.Arm64 ? "arm64" : "amd64";

    /// <summary>Random bytes.</summary>
    public static byte[] Bytes(Random random, int size)
    {
        var bytes = new byte[size];
        random.NextBytes(bytes);
        return bytes;
    }

    /// <summary>A tar with one file of random bytes.</summary>
    public static byte[] Layer(Random random, int size)
    {
        using var output = new MemoryStream();
        using (var tar = new TarWriter(output, TarEntryFormat.Ustar, leaveOpen: true))
            tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, $"file-{random.Next()}") { DataStream = new MemoryStream(Bytes(random, size)), ModificationTime = DateTimeOffset.UnixEpoch });
        return output.ToArray();
    }

    public static byte[] Gzip(byte[] bytes)
    {
        using var output = new MemoryStream();
        using (var gzip = new GZipStream(output, CompressionLevel.Fastest))
            gzip.Write(bytes);
        return output.ToArray();
    }

    /// <summary>The config of an image that says something when it runs.</summary>
    public static byte[] Config(string architecture, IEnumerable<Digest> diffIds) => JsonSerializer.SerializeToUtf8Bytes(new
    {
        architecture,
        os = "linux",
        config = new { Cmd = (string[])["/bin/sh", "-c", "echo the whale swims"], User = "65534", WorkingDir = "/" },
        rootfs = new { type = "layers", diff_ids = diffIds.Select(digest => digest.ToString()) },
        history = diffIds.Select(_ => new { created = DateTimeOffset.UnixEpoch, created_by = "test" }),
    });
}
