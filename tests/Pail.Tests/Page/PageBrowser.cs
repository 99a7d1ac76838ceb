using AngleSharp.Dom;
using Pail.Tests.Kit.Servers;

namespace Pail.Tests.Page;

/// <summary>A browser without a screen: keeps its cookie, and sends forms as browsers do.</summary>
internal sealed class PageBrowser(TestServer server)
{
    /// <summary>The value of the session's cookie.</summary>
    public string? Cookie { get; set; }

    /// <summary>Gets a view, which must be one.</summary>
    public async Task<IDocument> GetAsync(string path) => PageBench.Read((await SendAsync("GET", path)).Is(200));

    public async Task<Answer> SendAsync(string method, string path, HttpContent? content = null, (string, string)[]? headers = null, TestServer? server = null)
    {
        (string, string)[] all = [.. headers ?? [], .. Cookie is null ? [] : new[] { ("Cookie", $"pail-page={Cookie}") }];
        var answer = await (server ?? Host).SendAsync(method, path, content, headers: all);
        if (answer["Set-Cookie"] is { } set && set.StartsWith("pail-page=", StringComparison.Ordinal))
            Cookie = set["pail-page=".Length..set.IndexOf(';', StringComparison.Ordinal)] is { Length: > 0 } value ? value : null;
        return answer;
    }

    /// <summary>Sends a form with these fields.</summary>
    public Task<Answer> PostAsync(string path, (string, string)[] headers, params (string Name, string Value)[] fields) =>
        SendAsync("POST", path, new FormUrlEncodedContent(fields.Select(field => KeyValuePair.Create(field.Name, field.Value))), headers);

    /// <summary>Gets a form, and sends it filled in.</summary>
    public async Task<Answer> PostFormAsync(string path, params (string Name, string Value)[] fields)
    {
        var form = PageBench.Read(await SendAsync("GET", path)).QuerySelector("form[method=post]") ?? throw new InvalidOperationException($"{path} has no form.");
        var hidden = form.QuerySelectorAll("input[type=hidden]").Select(input => (input.GetAttribute("name")!, input.GetAttribute("value")!)).Where(field => !fields.Any(given => given.Name == field.Item1));
        return await PostAsync(form.GetAttribute("action") ?? path, [("Origin", $"http://{Host.Host}")], [.. hidden, .. fields]);
    }

    public Task<Answer> SignInAsync(string user, string password, string to = "/") =>
        PostFormAsync("/-/sign-in", ("name", user), ("password", password), ("to", to));

    private TestServer Host => server;
}
