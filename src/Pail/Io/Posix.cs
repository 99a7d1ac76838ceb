using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Pail.Io;

/// <summary>The calls of POSIX (and openat2 of Linux) that .NET doesn't offer, or offers with other promises. Errors are returned as errno.</summary>
internal static partial class Posix
{
    public const int NoPermission = 1, NoEntry = 2, AccessDenied = 13, Exists = 17, CrossDevice = 18, NotDirectory = 20, IsDirectory = 21,
        TooManyFilesInSystem = 23, TooManyFiles = 24, NoSpace = 28, ReadOnly = 30, TooManyLinks = 31, Range = 34;

    public static readonly int WouldBlock = Linux ? 11 : 35, NameTooLong = Linux ? 36 : 63, Loop = Linux ? 40 : 62,
        NoAttribute = Linux ? 61 : 93, NotSupported = Linux ? 95 : 45, QuotaExceeded = Linux ? 122 : 69;

    private const int AtFdCwd = -100, FollowLink = 0x400, ReadWrite = 2;
    private const long OpenAt2 = 437;
    private const uint UserAndGroup = 0x18;
    private const ulong NoMagicLinks = 0x02, NoSymlinks = 0x04;

    private static readonly int CloseOnExec = Linux ? 0x80000 : 0x1000000, NonBlocking = Linux ? 0x800 : 0x4;
    private static readonly bool HasOpenAt2 = ProbeOpenAt2();

    private static bool Linux => OperatingSystem.IsLinux();

    /// <summary>
    /// Opens a file that exists if no part of its path is a symbolic link (<see cref="Loop"/> if one is); null, and an errno,
    /// if that fails. It never waits, not even on a pipe. <paramref name="path"/> begins with <paramref name="root"/>, which holds no link.
    /// </summary>
    public static SafeFileHandle? OpenNoLinks(string root, string path, bool write, out int error)
    {
        var flags = (write ? ReadWrite : 0) | CloseOnExec | NonBlocking;
        return HasOpenAt2 ? OpenAtOnce(path, flags, out error) : OpenAfterALook(root, path, flags, out error);
    }

    /// <summary>As <see cref="OpenNoLinks"/> where the system has no one call for it, for reading.</summary>
    internal static SafeFileHandle? OpenAfterALook(string root, string path, out int error) => OpenAfterALook(root, path, CloseOnExec | NonBlocking, out error);

    private static unsafe SafeFileHandle? OpenAtOnce(string path, int flags, out int error)
    {
        var how = new OpenHow { Flags = (ulong)flags, Resolve = NoMagicLinks | NoSymlinks };
        return Handle((int)Syscall(OpenAt2, AtFdCwd, path, &how, sizeof(OpenHow)), out error);
    }

    // A link put there between the look and the open is the work of somebody who may write here anyway.
    private static unsafe SafeFileHandle? OpenAfterALook(string root, string path, int flags, out int error)
    {
        var target = stackalloc byte[1];
        for (var end = path.IndexOf('/', root.Length + 1); ; end = path.IndexOf('/', end + 1))
        {
            if (ReadLink(end < 0 ? path : path[..end], target, 1) >= 0)
            {
                error = Loop;
                return null;
            }
            if (end < 0)
                return Handle(NativeOpen(path, flags), out error);
        }
    }

    /// <summary>The path without symbolic links; null, and an errno, if there is no such file.</summary>
    public static unsafe string? RealPath(string path, out int error)
    {
        var resolved = NativeRealPath(path, null);
        error = resolved is null ? Marshal.GetLastPInvokeError() : 0;
        try
        {
            return Marshal.PtrToStringUTF8((nint)resolved);
        }
        finally
        {
            NativeMemory.Free(resolved);
        }
    }

    /// <summary>Reads an extended attribute; its length, or -1 and an errno.</summary>
    public static unsafe int GetAttribute(SafeFileHandle file, string name, Span<byte> value, out int error)
    {
        fixed (byte* to = value)
        {
            var length = (int)(Linux ? LinuxGetAttribute(file, name, to, value.Length) : MacGetAttribute(file, name, to, value.Length, 0, 0));
            error = length < 0 ? Marshal.GetLastPInvokeError() : 0;
            return length;
        }
    }

    /// <summary>Writes an extended attribute; 0 or an errno.</summary>
    public static unsafe int SetAttribute(SafeFileHandle file, string name, ReadOnlySpan<byte> value)
    {
        fixed (byte* from = value)
            return Error(Linux ? LinuxSetAttribute(file, name, from, value.Length, 0) : MacSetAttribute(file, name, from, value.Length, 0, 0));
    }

    /// <summary>Renames within a file system, replacing what is there at once; 0 or an errno. (File.Move would copy across file systems.)</summary>
    public static int Rename(string from, string to) => Error(NativeRename(from, to));

    /// <summary>Removes a name; 0 or an errno.</summary>
    public static int Unlink(string path) => Error(NativeUnlink(path));

    /// <summary>Gives an open file another name. False where that can't be done, for whatever reason.</summary>
    public static bool TryLink(SafeFileHandle file, string name) =>
        Linux && LinuxLink(AtFdCwd, $"/proc/self/fd/{file.DangerousGetHandle()}", AtFdCwd, name, FollowLink) == 0;

    /// <summary>Makes a directory as the umask allows; 0 or an errno.</summary>
    public static int MakeDirectory(string path) => Error(NativeMakeDirectory(path, 511));

    /// <summary>Removes an empty directory; 0 or an errno.</summary>
    public static int RemoveDirectory(string path) => Error(NativeRemoveDirectory(path));

    /// <summary>Locks an open file, for one or for many, against other open files of it; false if it is locked the other way.</summary>
    public static bool TryLock(SafeFileHandle file, bool exclusive) => Error(NativeLock(file, (exclusive ? 2 : 1) | 4)) switch
    {
        0 => true,
        var error when error == WouldBlock => false,
        var error => throw Failed(error),
    };

    /// <summary>Copies bytes between files within the kernel, sharing blocks where the file system can; the number copied, or -1 where it can't be done so.</summary>
    public static unsafe long CopyRange(SafeFileHandle from, long offset, SafeFileHandle to, long toOffset, long length) =>
        Linux ? LinuxCopyRange(from, &offset, to, &toOffset, (nint)Math.Min(length, 1 << 30), 0) : -1;

    /// <summary>Who owns a file, links followed; null if that can't be told, as on systems other than Linux.</summary>
    public static unsafe (uint User, uint Group)? OwnerOf(string path)
    {
        // Of struct statx, which is the same for every processor, the fields from its beginning. Source: statx(2).
        var fields = stackalloc uint[64];
        return Linux && LinuxStat(AtFdCwd, path, 0, UserAndGroup, fields) == 0 ? (fields[5], fields[6]) : null;
    }

    /// <summary>Gives a file to another owner; 0 or an errno.</summary>
    public static int ChangeOwner(string path, uint user, uint group) => Error(NativeChangeOwner(path, user, group));

    /// <summary>What .NET would throw for an errno.</summary>
    public static IOException Failed(int error) => new(Marshal.GetPInvokeErrorMessage(error), error);

    private static int Error(int result) => result == 0 ? 0 : Marshal.GetLastPInvokeError();

    private static SafeFileHandle? Handle(int fd, out int error)
    {
        error = fd < 0 ? Marshal.GetLastPInvokeError() : 0;
        return fd < 0 ? null : new SafeFileHandle(fd, ownsHandle: true);
    }

    // Linux 5.6 has it; a sandbox that doesn't know it may refuse it.
    private static bool ProbeOpenAt2()
    {
        using var root = Linux ? OpenAtOnce("/", CloseOnExec, out _) : null;
        return root is not null;
    }

    private struct OpenHow
    {
        public ulong Flags;
        public ulong Mode;
        public ulong Resolve;
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int NativeOpen(string path, int flags);

    [LibraryImport("libc", EntryPoint = "syscall", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static unsafe partial long Syscall(long number, long directory, string path, OpenHow* how, nint size);

    [LibraryImport("libc", EntryPoint = "readlink", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static unsafe partial nint ReadLink(string path, byte* target, nint size);

    [LibraryImport("libc", EntryPoint = "realpath", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static unsafe partial byte* NativeRealPath(string path, byte* resolved);

    [LibraryImport("libc", EntryPoint = "rename", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int NativeRename(string from, string to);

    [LibraryImport("libc", EntryPoint = "unlink", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int NativeUnlink(string path);

    [LibraryImport("libc", EntryPoint = "linkat", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int LinuxLink(int directory, string file, int toDirectory, string name, int flags);

    [LibraryImport("libc", EntryPoint = "mkdir", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int NativeMakeDirectory(string path, uint mode);

    [LibraryImport("libc", EntryPoint = "rmdir", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int NativeRemoveDirectory(string path);

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static unsafe partial int LinuxStat(int directory, string path, int flags, uint mask, uint* fields);

    [LibraryImport("libc", EntryPoint = "chown", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int NativeChangeOwner(string path, uint user, uint group);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int NativeLock(SafeFileHandle file, int operation);

    [LibraryImport("libc", EntryPoint = "fgetxattr", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static unsafe partial nint LinuxGetAttribute(SafeFileHandle file, string name, byte* value, nint size);

    [LibraryImport("libc", EntryPoint = "fgetxattr", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static unsafe partial nint MacGetAttribute(SafeFileHandle file, string name, byte* value, nint size, uint position, int options);

    [LibraryImport("libc", EntryPoint = "fsetxattr", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static unsafe partial int LinuxSetAttribute(SafeFileHandle file, string name, byte* value, nint size, int flags);

    [LibraryImport("libc", EntryPoint = "fsetxattr", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static unsafe partial int MacSetAttribute(SafeFileHandle file, string name, byte* value, nint size, uint position, int options);

    [LibraryImport("libc", EntryPoint = "copy_file_range", SetLastError = true)]
    private static unsafe partial nint LinuxCopyRange(SafeFileHandle from, long* offset, SafeFileHandle to, long* toOffset, nint length, uint flags);
}
