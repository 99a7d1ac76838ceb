using System.Buffers;
using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace Pail.Stores.Folder;

/// <summary>
/// Fences of a folder: each is a shared lock on the file of the present generation. To settle, the generation is ended, so that
/// later fences lock another file, and the locks on the files of ended generations are waited for. The system frees the locks of a process that dies.
/// <code>
/// .pail/fences/generation    the number of the present generation
/// .pail/fences/NUMBER        locked by the fences of that generation
/// </code>
/// </summary>
internal sealed class FolderFences(FolderRoot root)
{
    private const string Folder = "fences";

    /// <summary>Opens a fence. It holds a lock until it is disposed.</summary>
    public SafeFileHandle Open(CancellationToken cancel)
    {
        while (true)
        {
            var number = ReadGeneration();
            var file = root.OpenOrMakePrivate($"{Folder}/{number}");
            FolderLocks.Lock(file, exclusive: false, cancel);
            // Ended between the two: whoever settles may have looked at the file before it was locked.
            if (ReadGeneration() == number)
                return file;
            file.Dispose();
        }
    }

    /// <summary>Waits until all fences opened before are closed.</summary>
    public void Settle(CancellationToken cancel)
    {
        long ended;
        using (var generation = root.OpenOrMakePrivate($"{Folder}/generation"))
        {
            FolderLocks.Lock(generation, exclusive: true, cancel);
            ended = ReadGeneration();
            FolderIO.Write(generation, new ReadOnlySequence<byte>(System.Text.Encoding.ASCII.GetBytes((ended + 1).ToString("d19", CultureInfo.InvariantCulture))), 0);
        }
        foreach (var old in root.PrivateFiles(Folder).Where(name => long.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= ended))
        {
            using (var file = root.OpenOrMakePrivate($"{Folder}/{old}"))
                FolderLocks.Lock(file, exclusive: true, cancel);
            File.Delete(root.PrivatePath($"{Folder}/{old}"));
        }
    }

    // Written in one call of fixed length, so that a reader finds the old number or the new one.
    private long ReadGeneration()
    {
        using var generation = root.Open(root.PrivatePath($"{Folder}/generation"));
        Span<byte> text = stackalloc byte[19];
        return generation is not null && RandomAccess.Read(generation, text, 0) == text.Length ? long.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture) : 0;
    }
}
