using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Pail.Oci;
using Pail.Stores;
using Pail.Stores.Folder;
using Pail.Tests.Kit;

namespace Pail.Tests.Stores;

/// <summary>
/// A process that writes to a folder until it is killed: this test program, asked for the one explicit test below.
/// Each of its threads owns a few keys, writes version after version of them, and notes in a file what was begun and what was answered.
/// </summary>
public sealed class CrashWriter
{
    public const int Threads = 3;

    private const string Variable = "PAIL_TEST_CRASH_WRITER";

    // Options of the test program; `./test coverage` builds it for another runner.
#if TESTING_PLATFORM
    private const string Method = "--filter-method", Explicit = "--explicit";
#else
    private const string Method = "-method", Explicit = "-explicit";
#endif

    private static readonly string[] Types = [.. MediaTypes.Manifests, MediaTypes.Json, MediaTypes.OctetStream, "application/x-foreign"];

    /// <summary>Keys of a thread: one only ever replaced, one deleted as well, one written by uploads, one a copy of the first.</summary>
    public static string[] KeysOf(int thread) => [.. ((string[])["kept", "deleted", "uploaded", "copied"]).Select(name => $"v2/crash/{thread}/{name}")];

    /// <summary>Starts the writer on a folder. It notes what it does in <paramref name="log"/>.</summary>
    public static Process Start(string folder, string log)
    {
        NeedsServersAttribute.Check("a program");
        var start = new ProcessStartInfo(Environment.ProcessPath!) { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true };
        // "dotnet Pail.Tests.dll" or the program made of it.
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
            start.ArgumentList.Add(typeof(CrashWriter).Assembly.Location);
        foreach (var argument in (string[])[Method, $"{typeof(CrashWriter).FullName}.{nameof(UntilKilled)}", Explicit, "only"])
            start.ArgumentList.Add(argument);
        start.Environment[Variable] = $"{folder}|{log}";
        return Process.Start(start)!;
    }

    /// <summary>The version an object is of; throws if it isn't whole.</summary>
    public static int VersionOf(string key, ObjectInfo info, byte[] content)
    {
        var line = Encoding.UTF8.GetString(content.AsSpan(0, content.AsSpan().IndexOf((byte)'\n'))).Split('|');
        Assert.Equal(key.Replace("/copied", "/kept", StringComparison.Ordinal), line[0]);
        Assert.Equal(line[2], info.ContentType);
        Assert.Equal(line[1], info.Metadata["version"]);
        Assert.Equal(content.Length, info.Size);
        Assert.Equal(line[3], Convert.ToHexStringLower(SHA256.HashData(content.AsSpan(content.AsSpan().IndexOf((byte)'\n') + 1))));
        return int.Parse(line[1], CultureInfo.InvariantCulture);
    }

    [Fact(Explicit = true)]
    public async Task UntilKilled()
    {
        if (Environment.GetEnvironmentVariable(Variable)?.Split('|') is not [var folder, var log])
            throw new InvalidOperationException("This is started by the crash tests.");
        // Where those die, so does this.
        _ = Task.Run(() =>
        {
            Console.In.ReadToEnd();
            Environment.Exit(1);
        });
        await Task.WhenAll(Enumerable.Range(0, Threads).Select(n => Task.Run(() => WriteAsync(new FolderStore(folder, new()), n, $"{log}.{n}"))));
    }

    private static async Task WriteAsync(FolderStore store, int thread, string log)
    {
        var random = new Random(Environment.ProcessId + thread);
        await using var notes = new FileStream(log, FileMode.Append, FileAccess.Write, FileShare.ReadWrite);
        string[] keys = KeysOf(thread);
        for (var version = 1; ; version++)
        {
            var type = Types[random.Next(Types.Length)];
            var headers = new ObjectHeaders(type) { Metadata = new Dictionary<string, string> { ["version"] = $"{version}" } };
            Note($"begin {version}");
            await store.PutAsync(keys[0], Body(keys[0]), headers, PutCondition.None, default);
            Note($"end {version}");
            if (version % 2 == 0)
                await store.DeleteAsync(keys[1], default);
            else
                await store.PutAsync(keys[1], Body(keys[1]), headers, PutCondition.None, default);
            if (version % 3 == 0)
            {
                var upload = new UploadId(keys[2], await store.CreateUploadAsync(keys[2], headers, default));
                var body = Body(keys[2]);
                var part = await store.UploadPartAsync(upload, 1, 0, body, default);
                await store.CompleteUploadAsync(upload, [new(1, part, body.Length)], default);
            }
            await store.CopyAsync(keys[0], keys[3], headers, default);

            ReadOnlySequence<byte> Body(string key)
            {
                var content = new byte[random.Next(3) == 0 ? random.Next(400_000) : random.Next(2_000)];
                random.NextBytes(content);
                return new([.. Encoding.UTF8.GetBytes($"{key}|{version}|{type}|{Convert.ToHexStringLower(SHA256.HashData(content))}\n"), .. content]);
            }
        }

        void Note(string text)
        {
            notes.Write(Encoding.UTF8.GetBytes(text + "\n"));
            notes.Flush();
        }
    }

    /// <summary>The last version that was begun.</summary>
    public static int Last(string log) => Noted(log, "begin ");

    /// <summary>The last version whose write was answered.</summary>
    public static int Answered(string log) => Noted(log, "end ");

    private static int Noted(string log, string what)
    {
        using var reader = new StreamReader(new FileStream(log, FileMode.OpenOrCreate, FileAccess.Read, FileShare.ReadWrite));
        return reader.ReadToEnd().Split('\n').Where(line => line.StartsWith(what, StringComparison.Ordinal)).Select(line => int.Parse(line[what.Length..], CultureInfo.InvariantCulture)).LastOrDefault();
    }
}
