using System.Text;

namespace Pail.Tests.Watching;

/// <summary>A span as it came by OTLP.</summary>
internal sealed record OtlpSpan(string Trace, string Id, string Parent, string Name, IReadOnlyDictionary<string, string> Attributes);

/// <summary>Reads requests of OTLP exporters, without their library. Source: opentelemetry-proto, trace.proto and common.proto; protobuf, "Encoding".</summary>
internal static class OtlpSpans
{
    /// <summary>The spans of an ExportTraceServiceRequest.</summary>
    public static IEnumerable<OtlpSpan> Read(byte[] request) =>
        from resource in Fields(request) where resource.Number == 1
        from scope in Fields(resource.Bytes) where scope.Number == 2
        from span in Fields(scope.Bytes) where span.Number == 2
        select Span([.. Fields(span.Bytes)]);

    private static OtlpSpan Span(List<(int Number, byte[] Bytes, ulong Value)> fields) => new(
        Hex(fields, 1), Hex(fields, 2), Hex(fields, 4), Text(fields, 5),
        fields.Where(field => field.Number == 9).Select(field => Fields(field.Bytes).ToList()).ToDictionary(pair => Text(pair, 1), pair => Value(pair.Single(field => field.Number == 2).Bytes)));

    private static string Value(byte[] any)
    {
        var (number, bytes, value) = Fields(any).Single();
        return number == 1 ? Encoding.UTF8.GetString(bytes) : value.ToString(System.Globalization.CultureInfo.InvariantCulture);
    }

    private static string Hex(List<(int Number, byte[] Bytes, ulong Value)> fields, int number) => Convert.ToHexStringLower(fields.FirstOrDefault(field => field.Number == number).Bytes ?? []);

    private static string Text(List<(int Number, byte[] Bytes, ulong Value)> fields, int number) => Encoding.UTF8.GetString(fields.FirstOrDefault(field => field.Number == number).Bytes ?? []);

    private static IEnumerable<(int Number, byte[] Bytes, ulong Value)> Fields(byte[] message)
    {
        for (var at = 0; at < message.Length;)
        {
            var tag = Varint(message, ref at);
            var number = (int)(tag >> 3);
            switch (tag & 7)
            {
                case 0:
                    yield return (number, [], Varint(message, ref at));
                    break;
                case 1:
                    yield return (number, [], BitConverter.ToUInt64(message, at));
                    at += 8;
                    break;
                case 2:
                    var length = (int)Varint(message, ref at);
                    yield return (number, message[at..(at + length)], 0);
                    at += length;
                    break;
                case 5:
                    yield return (number, [], BitConverter.ToUInt32(message, at));
                    at += 4;
                    break;
                default:
                    throw new InvalidDataException($"{tag & 7} is no type of a field.");
            }
        }
    }

    private static ulong Varint(byte[] message, ref int at)
    {
        var value = 0UL;
        for (var shift = 0; ; shift += 7)
        {
            var part = message[at++];
            value |= (ulong)(part & 0x7F) << shift;
            if (part < 0x80)
                return value;
        }
    }
}
