using Pail.Oci;

namespace Pail.Server.Page.Views;

/// <summary>How an image runs, and what is said of it.</summary>
internal static class ConfigPart
{
    public static Html Show(ConfigFacts? config, Manifest root, Manifest? image) => $"""
        {Section("How it runs", config?.Run)}
        {Section("Environment", config?.Environment)}
        {Section("Labels", config?.Labels)}
        {Section("Annotations", [.. root.Annotations.Select(pair => (pair.Key, pair.Value))])}
        {(image is null || image.Digest == root.Digest ? Html.None : Section("Annotations of the image shown", [.. image.Annotations.Select(pair => (pair.Key, pair.Value))]))}
        """;

    private static Html Section(string title, IReadOnlyList<(string Name, string Value)>? pairs) => pairs is not { Count: > 0 } ? Html.None : $"""
        <section><h2>{title}</h2>{Words.Pairs(pairs)}</section>
        """;
}
