using Pail.Oci;

namespace Pail.Server.Page.Views;

/// <summary>The layers of an image, each with the command that made it, and the steps that made none.</summary>
internal static class LayersPart
{
    private const int Most = 200;

    public static Html Show(PageRequest page, Manifest image, ConfigFacts? config)
    {
        var largest = Math.Max(1, image.Layers.Select(layer => layer.Size).DefaultIfEmpty().Max());
        var commands = (config?.History ?? []).Where(step => !step.IsEmpty).ToList();
        // A history that has another number of layers says nothing about these.
        var known = commands.Count == image.Layers.Count;
        return $"""
            <section><h2>Layers</h2>
            {(image.Layers.Count == 0 ? $"""<p class="empty">It has none.</p>""" : Html.None)}
            <ol class="layers">{image.Layers.Take(Most).Select((layer, index) => (Html)$"""
                <li><div class="layer"><code class="command">{(known ? Shorten(commands[index].Command) : MediaTypes.IsLayer(layer.MediaType) ? "" : layer.MediaType):600}</code>
                <div class="facts-line"><meter min="0" max="{largest}" value="{layer.Size}" aria-label="Size beside the largest layer">{Words.Size(layer.Size)}</meter><span class="size">{Words.Size(layer.Size)}</span>{Words.Digest(layer.Digest)}{Browse(page, image, layer, index)}</div></div></li>
                """)}</ol>
            {(image.Layers.Count > Most ? $"""<p class="note">{Words.Count(image.Layers.Count - Most, "more layer is", "more layers are")} not shown.</p>""" : Html.None)}
            {History(page, config?.History ?? [])}
            </section>
            """;
    }

    private static Html Browse(PageRequest page, Manifest image, Descriptor layer, int index) => Pail.Compression.LayerCompression.KindOf(layer.MediaType) is null
        ? default
        : (Html)$"""<a href="{PageRoute.With(PageRoute.To("files", page.Repository, Reference.Of(image.Digest)), ("layer", (index + 1).ToString(System.Globalization.CultureInfo.InvariantCulture)))}">Files of layer {index + 1}</a>""";

    private static Html History(PageRequest page, IReadOnlyList<HistoryStep> steps) => steps.Count == 0 ? Html.None : $"""
        <details><summary>History: {Words.Count(steps.Count, "step")}</summary>
        <ol class="steps">{steps.Take(Most).Select(step => (Html)$"""<li><code>{step.Command:4000}</code> <span class="note">{(step.IsEmpty ? "no layer" : "")} {(step.Created is { } at ? Words.Ago(page.Now, at) : Html.None)}</span></li>""")}</ol>
        {(steps.Count > Most ? $"""<p class="note">{Words.Count(steps.Count - Most, "more step is", "more steps are")} not shown.</p>""" : Html.None)}
        </details>
        """;

    // What every step of an old builder begins with says nothing.
    private static string Shorten(string command)
    {
        foreach (var start in (ReadOnlySpan<string>)["/bin/sh -c #(nop) ", "/bin/sh -c "])
            if (command.StartsWith(start, StringComparison.Ordinal))
                return command[start.Length..].TrimStart();
        return command;
    }
}
