using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Pail.Server.Errors;
using Pail.Server.Http;

namespace Pail.Server.Page;

/// <summary>The files that pages name: one style sheet, one script, one icon. Their paths hold a hash of their bytes, so browsers keep them for ever.</summary>
internal static class PageAssets
{
    private static readonly Dictionary<string, (string Type, byte[] Bytes)> Files = [];

    /// <summary>The path of the style sheet.</summary>
    public static string Style { get; } = Load("page.css", "text/css; charset=utf-8");

    /// <summary>The path of the script.</summary>
    public static string Script { get; } = Load("page.js", "text/javascript; charset=utf-8");

    /// <summary>The path of the icon.</summary>
    public static string Icon { get; } = Load("icon.svg", "image/svg+xml");

    /// <summary>True if a path is that of a file.</summary>
    public static bool Has(string path) => Files.ContainsKey(path);

    /// <summary>Answers with a file.</summary>
    public static async Task<RegistryError?> AnswerAsync(HttpContext context, string path)
    {
        var (type, bytes) = Files[path];
        context.Response.Headers.CacheControl = "public, max-age=31536000, immutable";
        await Answers.BodyAsync(context, type, bytes);
        return null;
    }

    private static string Load(string name, string type)
    {
        using var stream = typeof(PageAssets).Assembly.GetManifestResourceStream($"Page/{name}") ?? throw new InvalidOperationException($"{name} is missing in the program.");
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        var path = $"{PageRoute.Prefix}{Path.GetFileNameWithoutExtension(name)}.{Convert.ToHexStringLower(SHA256.HashData(bytes).AsSpan(0, 8))}{Path.GetExtension(name)}";
        Files.Add(path, (type, bytes));
        return path;
    }
}
