using System.Diagnostics;

namespace Pail.Cli.Output;

/// <summary>A span that has ended.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Parent">The id of the span it is below.</param>
/// <param name="Name">What was done.</param>
/// <param name="Start">When it began, in microseconds of the trace.</param>
/// <param name="End">When it ended.</param>
internal sealed record SpanRecord(ActivitySpanId Id, ActivitySpanId Parent, string Name, double Start, double End)
{
    /// <summary>What else there is to say.</summary>
    public IReadOnlyList<KeyValuePair<string, object?>> Tags { get; init; } = [];

    /// <summary>How often it was tried again.</summary>
    public int Retries { get; init; }

    /// <summary>True if it failed.</summary>
    public bool HasFailed { get; init; }

    /// <summary>
    /// Puts spans into lanes, as viewers of traces draw them: in a lane, spans follow one another or lie within one another. A span goes below its parent
    /// if nothing else is there at that time.
    /// </summary>
    public static IEnumerable<(SpanRecord Span, int Lane)> Arrange(IEnumerable<SpanRecord> spans)
    {
        var lanes = new List<Stack<SpanRecord>>();
        var laneOf = new Dictionary<ActivitySpanId, int>();
        foreach (var span in spans.OrderBy(span => span.Start).ThenByDescending(span => span.End))
        {
            foreach (var open in lanes)
                while (open.TryPeek(out var top) && top.End <= span.Start)
                    open.Pop();
            var lane = laneOf.TryGetValue(span.Parent, out var parent) && lanes[parent].TryPeek(out var over) && over.Id == span.Parent && span.End <= over.End
                ? parent
                : lanes.FindIndex(open => open.Count == 0);
            if (lane < 0)
            {
                lane = lanes.Count;
                lanes.Add(new());
            }
            lanes[lane].Push(span);
            laneOf[span.Id] = lane;
            yield return (span, lane);
        }
    }
}
