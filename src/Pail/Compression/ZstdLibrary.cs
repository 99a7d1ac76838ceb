using System.Reflection;
using System.Runtime.InteropServices;

namespace Pail.Compression;

/// <summary>
/// The functions of libzstd that compress. Source: zstd.h, its stable part. ZstdSharp, which decompresses, would take 1.3 to 1.4
/// times the CPU at the default level.
/// </summary>
internal static unsafe partial class ZstdLibrary
{
    private const string Name = "libzstd";

    // As Debian, Fedora and others, Homebrew, and the releases for Windows call it.
    private static readonly string[] Files = OperatingSystem.IsWindows() ? ["libzstd.dll", "zstd.dll"]
        : OperatingSystem.IsMacOS() ? ["libzstd.1.dylib", "/opt/homebrew/lib/libzstd.1.dylib", "/usr/local/lib/libzstd.1.dylib"]
        : ["libzstd.so.1"];

    static ZstdLibrary() => NativeLibrary.SetDllImportResolver(typeof(ZstdLibrary).Assembly, Resolve);

    public const int CompressionLevel = 100;
    public const int ChecksumFlag = 201;
    public const int Workers = 400;
    public const int Continue = 0;
    public const int End = 2;

    [StructLayout(LayoutKind.Sequential)]
    public struct Buffer
    {
        public byte* Bytes;
        public nuint Size;
        public nuint Position;
    }

    /// <summary>Throws in words if the library is not there.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadInput"/>.</exception>
    public static void Require()
    {
        try
        {
            _ = VersionNumber();
        }
        catch (DllNotFoundException e)
        {
            throw new PailException(Failure.BadInput, "compressing by zstd needs the library libzstd, which is not on this machine (Debian, Ubuntu: apt install libzstd1; Fedora: dnf install libzstd; macOS: brew install zstd).", e);
        }
    }

    /// <summary>The result, if it is no error.</summary>
    /// <exception cref="InvalidDataException">What the library says.</exception>
    public static nuint Check(nuint result) => IsError(result) == 0
        ? result
        : throw new InvalidDataException($"zstd: {Marshal.PtrToStringUTF8((nint)ErrorName(result))}");

    [LibraryImport(Name, EntryPoint = "ZSTD_createCCtx")]
    public static partial nint CreateCompressor();

    [LibraryImport(Name, EntryPoint = "ZSTD_freeCCtx")]
    public static partial nuint FreeCompressor(nint context);

    [LibraryImport(Name, EntryPoint = "ZSTD_CCtx_setParameter")]
    public static partial nuint SetCompressor(nint context, int parameter, int value);

    [LibraryImport(Name, EntryPoint = "ZSTD_compressStream2")]
    public static partial nuint Compress(nint context, Buffer* output, Buffer* input, int operation);

    [LibraryImport(Name, EntryPoint = "ZSTD_versionNumber")]
    private static partial uint VersionNumber();

    [LibraryImport(Name, EntryPoint = "ZSTD_isError")]
    private static partial uint IsError(nuint result);

    [LibraryImport(Name, EntryPoint = "ZSTD_getErrorName")]
    private static partial byte* ErrorName(nuint result);

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path)
    {
        if (name == Name)
            foreach (var file in Files)
                if (NativeLibrary.TryLoad(file, assembly, path, out var library))
                    return library;
        return 0;
    }
}
