using System.CommandLine;
using System.Diagnostics;
using Pail.Buckets;
using Pail.Cli.Output;
using Pail.Places;
using Pail.Retention;

namespace Pail.Cli.Commands;

internal sealed class PolicyEditCommand : Verb
{
    private const string Template = """
        # What 'pail retain' keeps; docs/retention.md has the grammar. A repository without a rule is left alone.
        version: 1
        # rules:
        #   - repositories: "team/**"
        #     keep:
        #       - last: 10
        #       - tags: [latest, "release-*"]
        #       - newer-than: 30d

        """;

    private static readonly string[] Variables = ["VISUAL", "EDITOR"];

    private readonly Argument<string> _bucket = PolicyCommand.BucketArgument();

    public PolicyEditCommand(Terminal terminal)
        : base(terminal, "edit", "Edit the retention policy of a bucket in $VISUAL or $EDITOR; it is checked before it is written")
    {
        Add(_bucket);
        AddSharedOptions(quiet: true, reads: false);
    }

    public override IReadOnlyList<(string Line, string Says)> Examples => [("pail policy edit s3://acme", "fails with exit code 7 if somebody else changed the policy meanwhile; what was edited stays in its file then")];

    protected override async Task RunAsync(VerbRun session, CancellationToken cancel)
    {
        var bucket = await session.Places.OpenBucketAsync(AddressParser.ParseRoot(session.Get(_bucket)), cancel);
        var before = await RetentionFile.ReadTextAsync(bucket, cancel);
        var folder = Directory.CreateTempSubdirectory("pail-");
        var path = Path.Combine(folder.FullName, "retention.yaml");
        await File.WriteAllTextAsync(path, before ?? Template, cancel);
        var text = await EditAsync(session, path, cancel);
        try
        {
            await PolicyReport.TellAsync(session, bucket, text, text != (before ?? Template) && await RetentionFile.ReplaceAsync(bucket, text, before, cancel), cancel);
        }
        catch (PailException e)
        {
            throw new PailException(e.Failure, $"{e.Message} What was edited is in {path}; 'pail policy set {bucket.Name} {path}' writes it.", e);
        }
        folder.Delete(recursive: true);
    }

    // Until it is valid, or the user gives up.
    private static async Task<string> EditAsync(VerbRun session, string path, CancellationToken cancel)
    {
        while (true)
        {
            await StartAsync(path, cancel);
            var text = await WrittenFile.ReadAsync(session.Terminal, path, "a policy", RetentionPolicy.MaxSize, cancel);
            var (policy, problems) = RetentionPolicy.Read(text);
            if (policy is not null)
                return text;
            foreach (var problem in problems)
                session.Terminal.Error.WriteLine($"{path}:{problem}");
            if (!session.Terminal.CanAsk || session.Terminal.Ask("Edit again? [Y/n]", secret: false).Trim().StartsWith("n", StringComparison.OrdinalIgnoreCase))
                throw new PailException(Failure.BadContent, $"the policy is not valid, and was not written. What was edited is in {path}.");
        }
    }

    // As git does: the variable is a command line of the shell.
    private static async Task StartAsync(string path, CancellationToken cancel)
    {
        var editor = Variables.Select(Environment.GetEnvironmentVariable).FirstOrDefault(value => !string.IsNullOrWhiteSpace(value))
            ?? (OperatingSystem.IsWindows() ? "notepad" : "vi");
        var start = OperatingSystem.IsWindows() ? new ProcessStartInfo("cmd", $"/c {editor} \"{path}\"") : new ProcessStartInfo("/bin/sh", ["-c", $"{editor} \"$1\"", "sh", path]);
        using var process = Process.Start(start)!;
        await process.WaitForExitAsync(cancel);
        if (process.ExitCode != 0)
            throw new PailException(Failure.BadInput, $"the editor '{Oci.SafeText.OneLine(editor)}' ended with exit code {process.ExitCode}; nothing was written. $VISUAL or $EDITOR names another.");
    }
}
