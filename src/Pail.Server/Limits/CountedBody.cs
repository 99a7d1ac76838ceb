using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http.Features;

namespace Pail.Server.Limits;

/// <summary>The body of a request, whose bytes are counted as they are taken.</summary>
internal sealed class CountedBody(IRequestBodyPipeFeature inner) : PipeReader, IRequestBodyPipeFeature
{
    private ReadOnlySequence<byte> _read;

    /// <summary>The bytes taken so far.</summary>
    public long Count { get; private set; }

    /// <inheritdoc/>
    public PipeReader Reader => this;

    /// <inheritdoc/>
    public override bool TryRead(out ReadResult result)
    {
        var found = inner.Reader.TryRead(out result);
        _read = result.Buffer;
        return found;
    }

    /// <inheritdoc/>
    public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        var result = await inner.Reader.ReadAsync(cancellationToken);
        _read = result.Buffer;
        return result;
    }

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        Count += _read.IsEmpty ? 0 : _read.Slice(0, consumed).Length;
        _read = default;
        inner.Reader.AdvanceTo(consumed, examined);
    }

    /// <inheritdoc/>
    public override void CancelPendingRead() => inner.Reader.CancelPendingRead();

    /// <inheritdoc/>
    public override void Complete(Exception? exception = null) => inner.Reader.Complete(exception);
}
