using Pail.Compare;
using Pail.Oci;

namespace Pail.Cli.Output;

/// <summary>Writes what differs between two images for people: a line each, <c>+</c> for what only the second has, <c>-</c> for what only the first has, <c>~</c> for the rest.</summary>
/// <param name="lines">Where to.</param>
/// <param name="ink">Paints the signs.</param>
/// <param name="all">Also lists what is in folders that only one image has.</param>
internal sealed class DiffReport(TextWriter lines, Ink ink, bool all)
{
    // What Linux lets a path have; longer ones are cut.
    private const int MaxPath = 4096;

    /// <summary>Writes it; nothing of what is the same.</summary>
    public void Write(ImageDiff diff)
    {
        if (diff.Config.Count > 0)
            lines.WriteLine("config");
        foreach (var field in diff.Config)
            Line(Sign(field.Old, field.New), field.Field, Change(field.Old, field.New));
        if (diff.OldLayers.Count + diff.NewLayers.Count > 0)
            lines.WriteLine($"layers: {Sum(diff.SharedLayers)} in both");
        foreach (var layer in diff.OldLayers)
            Line('-', layer.Digest.ToString(), ByteSize.Format(layer.Size));
        foreach (var layer in diff.NewLayers)
            Line('+', layer.Digest.ToString(), ByteSize.Format(layer.Size));
        if (diff.Packages.Count > 0)
            lines.WriteLine("packages");
        foreach (var package in diff.Packages)
            Line(Sign(package.Old, package.New), $"{package.Kind} {package.Name}", Change(package.Old, package.New));
        if (diff.Files.Count > 0)
            lines.WriteLine($"files: {Sum(diff.Files, FileChange.Added)} added, {Sum(diff.Files, FileChange.Removed)} removed, {diff.Files.Count(file => file.Change == FileChange.Changed)} changed");
        WriteFiles(diff.Files);
        foreach (var note in diff.Notes)
            lines.WriteLine($"note: {SafeText.OneLine(note, MaxPath)}");
    }

    // What is in a folder comes right behind it.
    private void WriteFiles(IReadOnlyList<FileDiff> files)
    {
        for (var index = 0; index < files.Count; index++)
        {
            var (file, within) = (files[index], 0);
            if (!all && file.Change != FileChange.Changed && file.Path.EndsWith('/'))
                while (index + within + 1 < files.Count && files[index + within + 1] is var next && next.Change == file.Change && next.Path.StartsWith(file.Path, StringComparison.Ordinal))
                    within++;
            Line(Sign(file.OldSize, file.NewSize), file.Path, within > 0 ? $"with {Sum(files.Skip(index).Take(within + 1), file.Change)}" : Words(file));
            index += within;
        }
    }

    private void Line(char sign, string name, string says)
    {
        var painted = sign switch { '+' => ink.Green("+"), '-' => ink.Red("-"), _ => ink.Yellow("~") };
        lines.WriteLine($"  {painted} {SafeText.OneLine(name, MaxPath)}  {says}".TrimEnd());
    }

    private static string Words(FileDiff file)
    {
        if (file.Path.EndsWith('/') && file.Change != FileChange.Changed)
            return "";
        var (old, now) = (file.OldSize is { } before ? ByteSize.Format(before) : null, file.NewSize is { } after ? ByteSize.Format(after) : null);
        var sizes = file.OldSize == file.NewSize || old is null || now is null ? old ?? now : $"{old} -> {now}";
        return file.What.Count == 0 ? sizes! : file.What.Contains("content") || file.OldSize != file.NewSize ? $"{sizes}  {string.Join(", ", file.What)}" : string.Join(", ", file.What);
    }

    private static char Sign(object? old, object? @new) => old is null ? '+' : @new is null ? '-' : '~';

    private static string Change(string? old, string? @new) => old is null || @new is null ? SafeText.OneLine(old ?? @new) : $"{SafeText.OneLine(old)} -> {SafeText.OneLine(@new)}";

    private static string Sum(IReadOnlyList<Descriptor> layers) => $"{layers.Count} ({ByteSize.Format(layers.Sum(layer => layer.Size))})";

    // Folders are counted by what is in them.
    private static string Sum(IEnumerable<FileDiff> files, FileChange change)
    {
        var (count, bytes) = (0L, 0L);
        foreach (var file in files)
            if (file.Change == change && !file.Path.EndsWith('/'))
                (count, bytes) = (count + 1, bytes + (file.NewSize ?? file.OldSize ?? 0));
        return $"{count} {(count == 1 ? "file" : "files")} ({ByteSize.Format(bytes)})";
    }
}
