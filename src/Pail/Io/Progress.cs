using Pail.Oci;

namespace Pail.Io;

/// <summary>Opens the bytes of a blob from an offset on. The caller disposes the stream.</summary>
public delegate Task<Stream> BlobOpener(long offset, CancellationToken cancel);

/// <summary>How a blob came to be in a sink.</summary>
public enum BlobOutcome
{
    /// <summary>Its bytes were sent.</summary>
    Sent,

    /// <summary>It was there.</summary>
    Existed,

    /// <summary>The store copied it from another repository; no bytes were sent.</summary>
    Copied,
}

/// <summary>Hears how a copy goes. Called from several threads at once.</summary>
internal interface ICopyProgress
{
    /// <summary>What there is to copy shows only when all of it is read: from now on, this returns how many bytes were. Null: it is known.</summary>
    void Reading(Func<long>? bytesRead);

    /// <summary>These blobs, not announced before, will begin later: what there is to do grows by them.</summary>
    void Expect(IReadOnlyCollection<Descriptor> blobs);

    /// <summary>A blob begins.</summary>
    IBlobProgress Begin(Descriptor blob);
}

/// <summary>Hears how one blob goes.</summary>
internal interface IBlobProgress
{
    /// <summary>So many more bytes are safe at the sink. May be negative when a part is sent again.</summary>
    void Advance(long bytes);

    /// <summary>It is there now.</summary>
    void Done(BlobOutcome outcome);
}

/// <summary>Nobody listens.</summary>
internal sealed class NoProgress : ICopyProgress, IBlobProgress
{
    /// <summary>The only one.</summary>
    public static readonly NoProgress Instance = new();

    /// <inheritdoc/>
    public void Reading(Func<long>? bytesRead)
    {
    }

    /// <inheritdoc/>
    public void Expect(IReadOnlyCollection<Descriptor> blobs)
    {
    }

    /// <inheritdoc/>
    public IBlobProgress Begin(Descriptor blob) => this;

    /// <inheritdoc/>
    public void Advance(long bytes)
    {
    }

    /// <inheritdoc/>
    public void Done(BlobOutcome outcome)
    {
    }
}
