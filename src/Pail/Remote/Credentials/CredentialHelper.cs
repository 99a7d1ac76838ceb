using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Pail.Oci;

namespace Pail.Remote.Credentials;

/// <summary>
/// A program that keeps credentials, <c>docker-credential-NAME</c>: what to do is its argument, secrets go through its input
/// and output. Source: docker-credential-helpers, "Development".
/// </summary>
internal sealed class CredentialHelper
{
    private const int MaxOutput = 1 << 20;

    // Some ask a person, or a cloud.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    // What helpers print who have no credential for a server. Source: docker-credential-helpers, "errors"; docker/docker-py#2499.
    private static readonly string[] Nothing = ["credentials not found", "no stored credential", "no credentials server URL", "no credentials for"];

    private readonly string _program;

    /// <summary>The helper of this name.</summary>
    /// <exception cref="PailException">No program can be called so.</exception>
    public CredentialHelper(string name)
    {
        if (!name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'))
            throw new PailException(Failure.BadInput, $"'{SafeText.OneLine(name)}' is no name of a credential helper.");
        _program = $"docker-credential-{name}";
    }

    /// <summary>What it keeps for a server; null for nothing.</summary>
    public async Task<Credential?> GetAsync(string server, CancellationToken cancel)
    {
        var (code, output) = await RunAsync("get", server, cancel);
        // Its way to say so; the exit code alone says "error".
        if (code != 0 && Nothing.Any(words => output.Contains(words, StringComparison.OrdinalIgnoreCase)))
            return null;
        Require(code, output);
        if (string.IsNullOrWhiteSpace(output))
            return null;
        try
        {
            var found = JsonSerializer.Deserialize(output, HelperJson.Default.HelperCredential);
            return found is not { Secret: { Length: > 0 } secret } ? null
                : found.Username == Credential.TokenUser ? new Credential("", null) { IdentityToken = secret, Origin = _program }
                : new Credential(found.Username ?? "", secret) { Origin = _program };
        }
        catch (JsonException e)
        {
            throw new PailException(Failure.Denied, $"{_program} answered no JSON.", e);
        }
    }

    /// <summary>Has it keep a credential.</summary>
    public async Task StoreAsync(string server, Credential credential, CancellationToken cancel)
    {
        var kept = credential.IdentityToken is { } token ? new HelperCredential(server, Credential.TokenUser, token) : new HelperCredential(server, credential.User, credential.Password);
        var (code, output) = await RunAsync("store", JsonSerializer.Serialize(kept, HelperJson.Default.HelperCredential), cancel);
        Require(code, output);
    }

    /// <summary>Has it forget a server. True if it knew it.</summary>
    public async Task<bool> EraseAsync(string server, CancellationToken cancel)
    {
        if (await GetAsync(server, cancel) is null)
            return false;
        var (code, output) = await RunAsync("erase", server, cancel);
        Require(code, output);
        return true;
    }

    private void Require(int code, string output)
    {
        if (code != 0)
            throw new PailException(Failure.Denied, $"{_program} failed ({code}): {SafeText.OneLine(output.Trim())}");
    }

    private async Task<(int Code, string Output)> RunAsync(string verb, string input, CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(Patience);
        using var process = Start(verb);
        try
        {
            // It may end without having read all; its exit code says why.
            try
            {
                await process.StandardInput.WriteAsync(input.AsMemory(), limit.Token);
                process.StandardInput.Close();
            }
            catch (IOException)
            {
            }
            var output = await ReadAsync(process.StandardOutput.BaseStream, limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return (process.ExitCode, output);
        }
        catch (OperationCanceledException e) when (!cancel.IsCancellationRequested)
        {
            throw new PailException(Failure.Unavailable, $"{_program} did not end in {Patience.TotalMinutes} minutes.", e);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
    }

    private Process Start(string verb)
    {
        try
        {
            // What it says to people it says on our stderr.
            return Process.Start(new ProcessStartInfo(_program, [verb]) { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true })!;
        }
        catch (Win32Exception e)
        {
            throw new PailException(Failure.BadInput, $"{_program}, which Docker's or Podman's configuration names, can't be run: {SafeText.OneLine(e.Message)}", e);
        }
    }

    private async Task<string> ReadAsync(Stream output, CancellationToken cancel)
    {
        using var bytes = new MemoryStream();
        var buffer = new byte[4096];
        while (await output.ReadAsync(buffer, cancel) is > 0 and var read)
        {
            bytes.Write(buffer, 0, read);
            if (bytes.Length > MaxOutput)
                throw new PailException(Failure.Denied, $"{_program} writes more than {MaxOutput} bytes.");
        }
        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
    }
}

internal sealed record HelperCredential([property: JsonPropertyName("ServerURL")] string? ServerUrl, string? Username, string? Secret);

[JsonSourceGenerationOptions(PropertyNameCaseInsensitive = true)]
[JsonSerializable(typeof(HelperCredential))]
internal sealed partial class HelperJson : JsonSerializerContext;
