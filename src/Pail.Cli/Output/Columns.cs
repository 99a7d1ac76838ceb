using System.Text;

namespace Pail.Cli.Output;

/// <summary>Lines up rows of text in columns, as wide as they must be; the last column is not filled up.</summary>
internal static class Columns
{
    /// <summary>Writes the rows.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="rows">The cells; rows may differ in length.</param>
    /// <param name="right">Which columns are aligned to the right.</param>
    /// <param name="indent">Spaces before each row.</param>
    /// <param name="paint">Paints a cell once it has its width: row, column, text.</param>
    public static void Write(TextWriter writer, IReadOnlyList<IReadOnlyList<string>> rows, IReadOnlySet<int>? right = null, int indent = 0, Func<int, int, string, string>? paint = null)
    {
        var widths = new int[rows.Count == 0 ? 0 : rows.Max(row => row.Count)];
        foreach (var row in rows)
            for (var column = 0; column < row.Count; column++)
                widths[column] = Math.Max(widths[column], row[column].Length);
        for (var index = 0; index < rows.Count; index++)
        {
            var line = new StringBuilder().Append(' ', indent);
            for (var column = 0; column < rows[index].Count; column++)
            {
                var text = rows[index][column];
                var cell = right?.Contains(column) == true ? text.PadLeft(widths[column]) : column == rows[index].Count - 1 ? text : text.PadRight(widths[column]);
                line.Append(column == 0 ? "" : "  ").Append(paint is null ? cell : paint(index, column, cell));
            }
            writer.WriteLine(line.ToString().TrimEnd());
        }
    }
}
