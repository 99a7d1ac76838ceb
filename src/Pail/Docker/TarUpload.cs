using System.Net;

namespace Pail.Docker;

/// <summary>The body of a request that is written from outside, piece by piece.</summary>
internal sealed class TarUpload : HttpContent
{
    private readonly TaskCompletionSource<Stream> _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public TarUpload() => Headers.ContentType = new("application/x-tar");

    /// <summary>Where to write, once the connection stands.</summary>
    public Task<Stream> Begun => _begun.Task;

    /// <summary>All is written.</summary>
    public void Complete() => _ended.TrySetResult();

    /// <summary>Breaks the connection: the other side must not take what came for the whole.</summary>
    public void Break(Exception cause) => _ended.TrySetException(cause);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        _begun.TrySetResult(stream);
        await _ended.Task.WaitAsync(cancellationToken);
    }

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}
