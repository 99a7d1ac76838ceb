using System.Globalization;
using Pail.Stores;

namespace Pail.Cli.Output;

/// <summary>The S3 requests made and their price, as JSON has them.</summary>
/// <param name="ClassA">PUT, COPY, POST and LIST requests.</param>
/// <param name="ClassB">GET and HEAD requests.</param>
/// <param name="Free">DELETE requests.</param>
/// <param name="PriceUsd">The list price in US dollars, S3 Standard in us-east-1.</param>
/// <param name="Operations">How often each operation was requested.</param>
internal sealed record CostReport(long ClassA, long ClassB, long Free, decimal PriceUsd, SortedDictionary<string, long> Operations)
{
    public static CostReport Of(RequestMeter meter) => new(
        meter.ClassA,
        meter.ClassB,
        meter.Counts.Where(pair => RequestMeter.ClassOf(pair.Key) == RequestClass.Free).Sum(pair => pair.Value),
        meter.Price,
        new(meter.Counts.ToDictionary(pair => pair.Key.ToString(), pair => pair.Value), StringComparer.Ordinal));

    /// <summary>Writes the requests as a table for people.</summary>
    public static void Write(RequestMeter meter, TextWriter writer, Ink ink)
    {
        List<string[]> rows = [["S3 request", "class", "count", "price"]];
        rows.AddRange(meter.Counts.OrderBy(pair => RequestMeter.ClassOf(pair.Key)).ThenBy(pair => pair.Key).Select(pair => new[]
        {
            pair.Key.ToString(),
            RequestMeter.ClassOf(pair.Key) is RequestClass.Free ? "free" : RequestMeter.ClassOf(pair.Key).ToString(),
            Number(pair.Value),
            Dollars(pair.Value * RequestMeter.PriceOf(pair.Key)),
        }));
        rows.Add(["total", $"{Number(meter.ClassA)} A, {Number(meter.ClassB)} B", Number(meter.Counts.Values.Sum()), Dollars(meter.Price)]);
        Columns.Write(writer, rows, new HashSet<int> { 2, 3 }, indent: 3, (row, _, cell) => row == 0 ? ink.Dim(cell) : row == rows.Count - 1 ? ink.Bold(cell) : cell);
        writer.WriteLine(ink.Dim("   A is $0.005, B $0.0004 for 1,000: S3 Standard in us-east-1, without storage."));
    }

    /// <summary>The requests in one line.</summary>
    internal string InOneLine() => $"cost {Number(ClassA)} class A, {Number(ClassB)} class B and {Number(Free)} free requests: {Dollars(PriceUsd)}";

    /// <summary>A price that may be far below a cent, to the tenth of a millionth.</summary>
    public static string Dollars(decimal price) => price.ToString("$0.0000000", CultureInfo.InvariantCulture);

    private static string Number(long count) => count.ToString("#,0", CultureInfo.InvariantCulture);
}
