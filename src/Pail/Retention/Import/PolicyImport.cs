using System.Text.Json;
using Pail.Oci;
using Pail.Policies;

namespace Pail.Retention.Import;

/// <summary>Whose policies are read.</summary>
internal enum PolicySource
{
    /// <summary>Lifecycle policies of Amazon ECR.</summary>
    Ecr,

    /// <summary>Cleanup policies of Google Artifact Registry.</summary>
    Gar,

    /// <summary>Tag retention of Harbor.</summary>
    Harbor,

    /// <summary>The retention section of zot's configuration.</summary>
    Zot,
}

/// <summary>A policy made of somebody else's.</summary>
/// <param name="Text">The policy, as YAML; what differs is in its comments too.</param>
/// <param name="Differences">What could not be said the same, a sentence each.</param>
internal sealed record ImportedPolicy(string Text, IReadOnlyList<string> Differences);

/// <summary>
/// Reads policies of other registries. A rule that can't be expressed is left out and named; the result never drops a tag that the
/// original keeps, as far as both see the same times.
/// </summary>
internal static class PolicyImport
{
    /// <summary>Reads a policy.</summary>
    /// <param name="source">Whose.</param>
    /// <param name="json">The file.</param>
    /// <param name="within">Which repositories of the bucket it is for: a pattern for ECR's, whose policies have one repository each; what stands before the names for the others; null if unknown.</param>
    /// <exception cref="PailException">It is not such a file, or the repositories have to be named.</exception>
    public static ImportedPolicy Read(PolicySource source, string json, string? within)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip });
            var root = document.RootElement;
            if (within is not null)
                _ = Glob.OfRepositories(within);
            var draft = source switch
            {
                PolicySource.Ecr => EcrImport.Read(root, within),
                PolicySource.Gar => GarImport.Read(root, Needed(within, "a cleanup policy belongs to one repository of Artifact Registry: name what its images are below in the bucket")),
                PolicySource.Harbor => HarborImport.Read(root, Needed(within, "a retention policy of Harbor belongs to one project: name what its repositories are below in the bucket")),
                _ => ZotImport.Read(root, within),
            };
            return draft.Build();
        }
        catch (JsonException e)
        {
            throw new PailException(Failure.BadContent, $"this is not valid JSON: {SafeText.OneLine(e.Message)}", e);
        }
        catch (FormatException e)
        {
            throw new PailException(Failure.BadInput, $"--for {SafeText.OneLine(within)}: {e.Message}.", e);
        }
    }

    internal static string Needed(string? within, string why) =>
        within ?? throw new PailException(Failure.BadInput, $"{why}, such as --for team, or --for '**' if it is all of the bucket.");

    internal static PailException NotOne(string what) => new(Failure.BadContent, $"this is not {what}.");
}
