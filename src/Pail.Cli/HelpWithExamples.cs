using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Pail.Cli.Commands;

namespace Pail.Cli;

/// <summary>The help System.CommandLine writes, and after it a verb's examples.</summary>
internal sealed class HelpWithExamples : SynchronousCommandLineAction
{
    // Also where a required argument is missing.
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        new HelpAction().Invoke(parseResult);
        var output = parseResult.InvocationConfiguration.Output;
        if (parseResult.CommandResult.Command is IShowsExamples { Examples: { Count: > 0 } examples })
        {
            output.WriteLine("Examples:");
            foreach (var (line, says) in examples)
                output.WriteLine($"  {line}{Environment.NewLine}      {says}");
        }
        else if (parseResult.CommandResult.Parent is null)
        {
            output.WriteLine("""
                Addresses:
                  app:1.0, docker-daemon:app:1.0           an image of the local Docker Engine
                  oci:DIR[:TAG], oci-archive:FILE[:TAG]    an OCI image layout, in a folder or a tar file
                  dir:DIR                                  one image in a folder, as skopeo lays it out
                  docker-archive:FILE[:NAME:TAG]           an image as docker save and podman save write it
                  s3://BUCKET/REPO:TAG                     an image in a bucket; s3://BUCKET/PREFIX//REPO:TAG in a part of one
                  file:DIR//REPO:TAG                       the same in a folder
                  docker://HOST/REPO:TAG, docker://alpine  an image in a registry; without a host, on Docker Hub

                New here? 'pail demo' shows the whole of it in a few seconds, and needs no account.
                """);
        }
        return ExitCode.Ok;
    }
}
