using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace Pail.Tests.Stores;

/// <summary>Keys that are hard to keep in a folder, made of the few characters and names that matter to it.</summary>
internal static class Keys
{
    private static readonly string[] Hard =
    [
        "a", "b", "A", "-", ".", "..", "/", "/", "/", "//", "%", "%2E", "%2F", "%40", "@", ".@json", ".@blob", ".@", "@/", ".pail", ".PAIL", "pail", "%2Epail",
        ":", " ", "+", "\u0001", "\u007f", "\n", "é", "e\u0301", "日本", "🐳", "\uFFFD", "\uE000", "0", "sha256:", "tags/list", "manifests",
        new('x', 60), new('y', 199), new('é', 60), new('\u0002', 40),
    ];

    /// <summary>Any key: at least one and at most 1,024 bytes.</summary>
    public static Arbitrary<string> Any { get; } = Of(Hard, 24);

    /// <summary>Keys of few short parts, so that they share prefixes.</summary>
    public static Arbitrary<string> Close { get; } = Of(["a", "b", "-", ".", "/", "/", ":", "é", "\uFFFD", "🐳", new('x', 239)], 5);

    /// <summary>Lists of <see cref="Close"/> keys, each once.</summary>
    public static Arbitrary<string[]> Sets { get; } = Close.Generator.ArrayOf().Select(keys => keys.Distinct().ToArray()).ToArbitrary();

    private static Arbitrary<string> Of(string[] parts, int most) => Arb.From(
        Gen.Choose(1, most).SelectMany(count => Gen.Elements(parts).ArrayOf(count)).Select(string.Concat).Where(key => Encoding.UTF8.GetByteCount(key) <= 1024),
        key => key.Length > 1 ? [key[1..], key[..^1]] : []);
}
