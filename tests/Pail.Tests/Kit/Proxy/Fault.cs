
namespace Pail.Tests.Kit.Proxy;

/// <summary>What the proxy does to a request instead of passing it on and its answer back.</summary>
internal abstract record Fault
{
    private Fault()
    {
    }

    /// <summary>Answers this without asking the store: 500 InternalError, 503 SlowDown, 429, and so on.</summary>
    /// <param name="Status">The status.</param>
    /// <param name="Code">The code in the XML body.</param>
    /// <param name="RetryAfter">Seconds to wait, for the header of that name.</param>
    public sealed record Answer(int Status, string Code, int? RetryAfter = null) : Fault;

    /// <summary>Takes so many bytes of the request's body, then resets the connection; the store never sees it whole.</summary>
    public sealed record ResetBefore(long Bytes = long.MaxValue) : Fault;

    /// <summary>Lets the request take effect, then resets the connection instead of answering.</summary>
    public sealed record ResetAfter : Fault;

    /// <summary>Lets the request take effect, then answers an error: the client can't know.</summary>
    public sealed record AnswerAfter(int Status, string Code) : Fault;

    /// <summary>Never answers, until the client gives up or the proxy ends. The store does not see the request.</summary>
    public sealed record Stall : Fault;

    /// <summary>Passes on the head and so many bytes of the answer's body, then nothing more.</summary>
    public sealed record StallBody(long Bytes) : Fault;

    /// <summary>Passes on the head and so many bytes of the answer's body, then closes the connection in order.</summary>
    public sealed record Truncate(long Bytes) : Fault;

    /// <summary>Passes the answer on with one bit of its body changed.</summary>
    public sealed record Corrupt : Fault;

    /// <summary>Waits before it passes the request on.</summary>
    public sealed record Delay(TimeSpan Time) : Fault;

    /// <summary>Passes the answer's body on in small pieces, with a pause after each.</summary>
    public sealed record Drip(int Bytes, TimeSpan Pause) : Fault;

    /// <summary>Holds each request until so many are held at once, then lets all go on: only a client that sends so many in parallel gets past.</summary>
    public sealed record Gate(int Parties) : Fault
    {
        private readonly TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _waiting;

        /// <summary>Waits at the gate.</summary>
        public Task PassAsync(CancellationToken cancel)
        {
            if (Interlocked.Increment(ref _waiting) == Parties)
                _open.SetResult();
            return _open.Task.WaitAsync(cancel);
        }
    }
}
