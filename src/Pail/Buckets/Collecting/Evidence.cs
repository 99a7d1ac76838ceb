namespace Pail.Buckets.Collecting;

/// <summary>
/// How old what is known of a bucket may be: taken before anything is looked for, it goes with the answers. What was found
/// before a round of a collection ended is not believed after it.
/// </summary>
/// <param name="Last">The round that had ended last.</param>
internal readonly record struct Evidence(string Last);

/// <summary>A round of a collection ended since the evidence was taken: what was found before has to be looked for anew.</summary>
/// <param name="bucket">The bucket.</param>
internal sealed class CollectedException(string bucket)
    : PailException(Failure.Unavailable, $"{bucket}: garbage was collected meanwhile, and what was already there may be gone. Try again.");
