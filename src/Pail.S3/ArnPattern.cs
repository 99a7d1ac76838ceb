namespace Pail.S3;

/// <summary>Resources of policies, in which <c>*</c> and <c>?</c> stand for others and <c>${</c> begins a variable.</summary>
internal static class ArnPattern
{
    /// <summary>Returns a pattern that matches exactly this text.</summary>
    // Source: AWS IAM, "Policy variables": ${*}, ${?} and ${$} are the characters themselves.
    public static string Escape(string text) => string.Concat(text.Select(c => c is '*' or '?' or '$' ? $"${{{c}}}" : $"{c}"));
}
