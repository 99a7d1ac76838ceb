using System.Text;
using System.Text.Json;
using Pail.Io;
using Pail.Oci;

namespace Pail.Retention;

/// <summary>Reads what runs from a stream, in pieces: the pods of a large cluster are hundreds of megabytes of JSON.</summary>
internal sealed class InUseReader(Stream stream, string name)
{
    private const int Piece = 64 << 10;
    private const int MaxToken = 16 << 20;

    private byte[] _buffer = new byte[Piece];
    private int _length;

    /// <summary>Adds all references to the list.</summary>
    public async Task ReadAsync(InUseList list, CancellationToken cancel)
    {
        while (First().IsEmpty && await FillAsync(0, cancel))
        {
        }
        var start = _length - First().Length;
        if (First() is [(byte)'{' or (byte)'[' or (byte)'"', ..])
            await ReadJsonAsync(list, start, cancel);
        else
            await ReadTextAsync(list, start, cancel);
    }

    // What was read, without the mark of UTF-8 and white space before it.
    private ReadOnlySpan<byte> First()
    {
        var read = _buffer.AsSpan(0, _length);
        return (read.StartsWith(Encoding.UTF8.Preamble) ? read[Encoding.UTF8.Preamble.Length..] : read).TrimStart(" \t\r\n"u8);
    }

    private async Task ReadTextAsync(InUseList list, int start, CancellationToken cancel)
    {
        var number = 0;
        await foreach (var line in TextLines.ReadAsync(new JoinedStream(_buffer[start.._length], stream), MaxToken, cancel))
        {
            number++;
            if (line.AsSpan().TrimStart().StartsWith('#'))
                continue;
            foreach (var word in line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
                if (list.Add(word))
                    continue;
                else if (InUseList.IsShortId(word))
                    list.AddUnclear(word);
                else
                    throw Bad($"line {number}: '{SafeText.OneLine(word, 80)}' names no image. References are expected, as 'docker ps --format {{{{.Image}}}}' prints them, or JSON");
        }
    }

    private async Task ReadJsonAsync(InUseList list, int start, CancellationToken cancel)
    {
        var walk = new Walk(list);
        var state = new JsonReaderState(new JsonReaderOptions { AllowMultipleValues = true, MaxDepth = 256, AllowTrailingCommas = true });
        var (at, ended) = (start, false);
        try
        {
            while (!ended)
            {
                var consumed = walk.Read(_buffer.AsSpan(at, _length - at), ended, ref state);
                ended = !await FillAsync(at + consumed, cancel);
                at = 0;
            }
            walk.Read(_buffer.AsSpan(0, _length), ended, ref state);
        }
        catch (JsonException e)
        {
            throw Bad($"this is no valid JSON: {SafeText.OneLine(e.Message)}");
        }
    }

    // Drops what was read, and reads on; false at the end.
    private async Task<bool> FillAsync(int consumed, CancellationToken cancel)
    {
        _buffer.AsSpan(consumed, _length - consumed).CopyTo(_buffer);
        _length -= consumed;
        if (_length == _buffer.Length)
        {
            if (_length >= MaxToken)
                throw Bad("a value is too long");
            Array.Resize(ref _buffer, _length * 2);
        }
        var read = await stream.ReadAsync(_buffer.AsMemory(_length), cancel);
        _length += read;
        return read > 0;
    }

    private PailException Bad(string what) => new(Failure.BadContent, $"{name}: {what}.");

    // The values of the keys that name images, wherever they are.
    private sealed class Walk(InUseList list)
    {
        private string _key = "";
        private bool _inList;

        public int Read(ReadOnlySpan<byte> bytes, bool final, ref JsonReaderState state)
        {
            var reader = new Utf8JsonReader(bytes, final, state);
            while (reader.Read())
                switch (reader.TokenType)
                {
                    case JsonTokenType.PropertyName:
                        (_key, _inList) = (Key(ref reader), false);
                        break;
                    case JsonTokenType.StartArray:
                        _inList = true;
                        break;
                    case JsonTokenType.String when _key.Length > 0 || reader.CurrentDepth == 0 || (_inList && reader.CurrentDepth == 1):
                        Add(reader.GetString()!);
                        _key = _inList ? _key : "";
                        break;
                    case JsonTokenType.StartObject or JsonTokenType.EndObject or JsonTokenType.EndArray:
                        (_key, _inList) = ("", false);
                        break;
                }
            state = reader.CurrentState;
            return (int)reader.BytesConsumed;
        }

        private void Add(string text)
        {
            if (text.Length > 0 && !list.Add(text))
                list.AddUnclear(text);
        }

        // Empty for a key that names no image. "reference" is that of an image volume of Kubernetes.
        private static string Key(ref Utf8JsonReader reader) => reader.ValueTextEquals("image"u8) || reader.ValueTextEquals("Image"u8)
            || reader.ValueTextEquals("imageID"u8) || reader.ValueTextEquals("ImageID"u8) || reader.ValueTextEquals("imageId"u8)
            || reader.ValueTextEquals("RepoDigests"u8) || reader.ValueTextEquals("RepoTags"u8) || reader.ValueTextEquals("reference"u8)
            ? "image"
            : "";
    }
}
