using System.Buffers;
using System.Net;
using System.Net.Http.Headers;
using Pail.Oci;
using Pail.Remote.Access;
using Pail.Remote.Credentials;
using Pail.Remote.Http;
using Pail.Stores;
using Pail.Transfer;

namespace Pail.Remote;

/// <summary>
/// Requests to one repository of a registry. Each goes this way:
/// <list type="number">
/// <item>What proves who we are is added, once the registry has asked for it; a token that is about to end is renewed first.</item>
/// <item>A 401 is answered with what it asks for, and the request made again: for lack of a token, then for lack of a scope. So are
/// other refusals where a login is kept and the registry's root asks for one.</item>
/// <item>Redirects of reads are followed, without what proves who we are, where <see cref="Origins"/> lets us go.</item>
/// <item>Any 2xx is success. Another status than those the caller handles is an exception that says what the registry said.</item>
/// </list>
/// </summary>
internal sealed class RegistryClient : IDisposable
{
    private const int MostRedirects = 5;
    private const int MostProofs = 2;

    // A token that is refused as soon as it came. Source: docker/hub-feedback#647.
    private static readonly TimeSpan TokenSettles = TimeSpan.FromSeconds(1);

    private readonly RegistryOptions _options;
    private readonly RegistryWire _wire;
    private readonly Authorizer _authorizer;
    private readonly KeptLogin _login;
    private readonly RepositoryName? _repository;
    private readonly string[] _scopes;

    /// <summary>Makes a client. No request is made yet.</summary>
    /// <param name="host">The registry, as addresses name it.</param>
    /// <param name="repository">The repository; null to speak to the registry as a whole.</param>
    /// <param name="actions">What shall be done: <c>pull</c> or <c>pull,push</c>.</param>
    /// <param name="options">How it is reached.</param>
    /// <param name="time">The clock; null for the system's.</param>
    /// <param name="login">Proves who we are with this, instead of what is kept.</param>
    /// <param name="root">What the registry's root asks for, shared by all its clients; null for one of its own.</param>
    public RegistryClient(string host, RepositoryName? repository, string actions, RegistryOptions options, TimeProvider? time = null, Credential? login = null, RootChallenge? root = null)
    {
        (Host, _repository, _options) = (host, repository, options);
        _scopes = repository is { } name ? [$"repository:{name}:{actions}"] : [];
        _wire = new RegistryWire(host, options);
        _login = login is null ? KeptLogin.Of(options, host, repository?.ToString()) : KeptLogin.Of(login);
        root ??= new RootChallenge();
        _authorizer = new Authorizer(new TokenService(_wire, host, time ?? TimeProvider.System), cancel => root.GetAsync(_wire, cancel), _login) { Offline = login is not null };
    }

    /// <summary>The registry, as addresses name it.</summary>
    public string Host { get; }

    /// <summary>How it is reached.</summary>
    public RegistryOptions Options => _options;

    /// <summary>The refresh token that came with a login, if any.</summary>
    public string? RefreshToken => _authorizer.Refresh;

    /// <summary>False once the registry has refused to look for a blob in its other repositories.</summary>
    public bool MayFindBlobs { get; set; } = true;

    /// <summary>The address of something in the repository, such as <c>blobs/DIGEST</c>.</summary>
    public Uri In(string path) => new(_wire.Origins.Registry, $"{_repository}/{path}");

    /// <summary>The address of something of the registry.</summary>
    public Uri At(string path) => new(_wire.Origins.Registry, path);

    /// <summary>Where an upload goes on: what the registry named, looked at as any address of its.</summary>
    public Uri Follow(RegistryAnswer answer, string what) => Follow(answer.Address, answer["Location"], what);

    /// <summary>An address that the registry named, looked at as any of its.</summary>
    public Uri Follow(Uri asked, string? named, string what) => _wire.Origins.Follow(asked, named, what);

    /// <summary>The address of the next page of a list, which is of the registry itself; null if there is none.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadContent"/>: it can't be read, or is elsewhere: the list would be cut short.</exception>
    public Uri? NextPage(RegistryAnswer answer)
    {
        if (!LinkHeader.TryFindNext(answer.All("Link"), out var named))
            throw new PailException(Failure.BadContent, $"{Host}: the address of the next page of a list can't be read.");
        if (named is null)
            return null;
        // Behind a proxy it may not know its own scheme and port.
        if (Uri.TryCreate(answer.Address, named, out var own) && own.Scheme is "http" or "https" && _wire.Origins.IsOwnHost(own))
            return _wire.Origins.OnRegistry(own);
        var next = _wire.Origins.Follow(answer.Address, named, "the next page of a list");
        throw new PailException(Failure.BadContent, $"{Host}: the next page of a list is on another host, {SafeText.OneLine(next.Host)}.");
    }

    /// <summary>Makes a request that has no body, or one that can be sent again.</summary>
    public Task<RegistryAnswer> SendAsync(HttpMethod method, Uri address, CancellationToken cancel, params HttpStatusCode[] expected) =>
        SendAsync(new RegistryRequest(method, address, expected), cancel);

    /// <summary>Makes a request once, proofs and redirects aside. The caller disposes the answer.</summary>
    /// <exception cref="PailException">There was no answer, or another than those expected.</exception>
    public async Task<RegistryAnswer> SendAsync(RegistryRequest request, CancellationToken cancel)
    {
        var address = _wire.Rebased(request.Address);
        var proof = await _authorizer.GetAsync(_scopes, request.MoreScopes, cancel);
        for (var (proofs, redirects) = (0, 0); ;)
        {
            var answer = await _wire.SendAsync(request, address, proof, cancel);
            try
            {
                if (answer.IsSuccess)
                    return answer;
                // A token that came just now is perhaps not known yet to all machines of the registry.
                if (proofs == 1 && Authorizer.CallsInvalid(answer))
                    await Task.Delay(TokenSettles, cancel);
                if (proofs < MostProofs && _wire.Origins.IsOwn(answer.Address) && await _authorizer.AnswerAsync(answer, proof, _scopes, request.MoreScopes, cancel) is { } better)
                {
                    proofs++;
                    if (!request.CanRepeat)
                        throw new StoreException(StoreError.Unavailable, $"{Host}: what proved who we are ended while a blob was sent.");
                    proof = better;
                    address = _wire.Rebased(address);
                }
                else if (request.Handles(answer.Status))
                {
                    return answer;
                }
                else if (answer.IsRedirect && request.FollowsRedirects)
                {
                    if (++redirects > MostRedirects)
                        throw new PailException(Failure.BadContent, $"{Host}: more than {MostRedirects} redirects, one after the other.");
                    address = _wire.Origins.Follow(answer.Address, answer["Location"], "a redirect");
                }
                else
                {
                    throw await ErrorAsync(answer, cancel);
                }
            }
            catch
            {
                answer.Dispose();
                throw;
            }
            answer.Dispose();
        }
    }

    /// <summary>A body that lies in memory.</summary>
    public Func<StallGuard, HttpContent> Body(ReadOnlyMemory<byte> bytes, string mediaType) => guard => Typed(Content(new(bytes), guard), mediaType);

    /// <summary>A body that lies in several pieces of memory, for which an answer takes as long as looking at them takes.</summary>
    public SequenceContent Content(ReadOnlySequence<byte> bytes, StallGuard guard, long work = 0) =>
        new(bytes, guard, _options.Patience, Answering(work));

    /// <summary>How long an answer may take for which so many bytes are looked at, slowly.</summary>
    public TimeSpan Answering(long work) => _options.Patience + TimeSpan.FromSeconds(work / (double)(1 << 20));

    /// <inheritdoc/>
    public void Dispose()
    {
        _authorizer.Dispose();
        _wire.Dispose();
    }

    public static HttpContent Typed(HttpContent content, string mediaType)
    {
        content.Headers.ContentType = new MediaTypeHeaderValue(mediaType);
        return content;
    }

    /// <summary>What an answer says went wrong, and what to do where it is the login.</summary>
    public async Task<PailException> ErrorAsync(RegistryAnswer answer, CancellationToken cancel) => await answer.ErrorAsync(cancel) is var error && !_wire.Origins.IsOwn(answer.Address) ? error : answer.Status switch
    {
        HttpStatusCode.Unauthorized when !_authorizer.IsAsked => new(Failure.Denied, $"{error.Message}. It does not say how to log in, here or at /v2/.", error),
        HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden when _login.Exists => new(Failure.Denied, $"{error.Message}. The login for {Host} is wrong, or not good for this.", error),
        HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => new(Failure.Denied, $"{error.Message}. There is no login for {Host}: pail login {Host}{(_login.Trouble is { } trouble ? $". {trouble}" : "")}", error),
        _ => error,
    };
}
