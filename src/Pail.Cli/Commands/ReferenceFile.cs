using Pail.Places;

namespace Pail.Cli.Commands;

/// <summary>A file of images to copy: an address a line; empty lines, and those that begin with <c>#</c>, mean nothing.</summary>
internal static class ReferenceFile
{
    /// <summary>The images it names, each under its own name at the destination.</summary>
    /// <param name="terminal">Its input is read for the file <c>-</c>.</param>
    /// <param name="file">The file.</param>
    /// <param name="destination">Where to; must have room for many.</param>
    /// <param name="cancel">Interrupts it.</param>
    /// <exception cref="PailException">The destination is none for many, or the file names nothing. What is wrong with a line is found when it is its turn.</exception>
    public static async Task<IReadOnlyList<CopyItem>> ReadAsync(Output.Terminal terminal, string file, string destination, CancellationToken cancel)
    {
        Destinations.ThrowUnlessForMany(destination);
        if (Directory.Exists(file))
            throw Addressed.Bad(file, "it is a folder; a file that names an image a line is expected.");
        var text = file == "-" ? await terminal.Input.ReadToEndAsync(cancel) : await File.ReadAllTextAsync(file, cancel);
        var taken = new Dictionary<Address, (Address From, int Line)>();
        var items = text.Split('\n').Select((line, at) => (Text: line.Trim(), Number: at + 1))
            .Where(line => line.Text.Length > 0 && line.Text[0] != '#')
            .Select(line => new CopyItem(line.Text, $"line {line.Number}: ", () => Resolve(line.Text, line.Number, destination, taken)))
            .ToList();
        return items.Count > 0 ? items : throw Addressed.Bad(file, "it names no image.");
    }

    private static (Address From, Address To) Resolve(string text, int number, string destination, Dictionary<Address, (Address From, int Line)> taken)
    {
        var from = Addressed.Image(text);
        var to = Destinations.AmongMany(destination, from);
        // Two registries may know the same name: the second would silently take the place of the first.
        if (taken.TryGetValue(to, out var other) && other.From != from)
            throw Addressed.Bad(text, $"{to} is what line {other.Line} becomes already.");
        taken[to] = (from, number);
        return (from, to);
    }
}
