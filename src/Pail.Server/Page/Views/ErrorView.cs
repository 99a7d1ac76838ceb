using Pail.Server.Errors;

namespace Pail.Server.Page.Views;

/// <summary>What went wrong, for people.</summary>
internal static class ErrorView
{
    /// <summary>The body of the answer.</summary>
    public static Html Of(RegistryError error) => $"""
        <h1>{Title(error.Status)}</h1>
        <p>{Sentence(error.Message)}</p>
        {(error.Detail is { Length: > 0 } detail ? $"<p><code>{detail}</code></p>" : Html.None)}
        <p><a href="/">All repositories</a></p>
        """;

    private static string Title(int status) => status switch
    {
        400 => "This request can't be understood",
        403 => "You may not do that",
        404 => "Not found",
        405 => "That is not possible here",
        429 => "Too many requests",
        503 => "Not now",
        _ => "Something went wrong",
    };

    private static string Sentence(string message) => $"{char.ToUpperInvariant(message[0])}{message[1..]}.";
}
