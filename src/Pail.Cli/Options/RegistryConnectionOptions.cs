using System.CommandLine;
using Pail.Cli.Commands;
using Pail.Remote;

namespace Pail.Cli.Options;

/// <summary>How <c>docker://</c> addresses are reached, where Docker's and Podman's files don't say it.</summary>
internal sealed class RegistryConnectionOptions
{
    private readonly Option<bool> _plainHttp = new("--plain-http") { Description = "Speak to all registries without encryption; those on loopback need no telling" };
    private readonly Option<string[]> _plainHosts = new("--plain-http-host") { HelpName = "HOST", Description = "The same for this registry alone; may be given several times", Arity = ArgumentArity.OneOrMore };
    private readonly Option<string?> _caFile = new("--ca-cert") { HelpName = "FILE", Description = "Trust the certificate authorities of this PEM file as well" };
    private readonly Option<string?> _folder = new("--cert-dir") { HelpName = "DIR", Description = "A folder of *.crt, *.cert and *.key [default: what certs.d/HOST of Podman and Docker hold]" };

    public void AddTo(Command command)
    {
        command.Add(_plainHttp);
        command.Add(_plainHosts);
        command.Add(_caFile);
        command.Add(_folder);
    }

    /// <summary>How registries are reached.</summary>
    public RegistryOptions Read(ParseResult parsed) => new()
    {
        PlainHttp = parsed.GetResult(_plainHttp) is not null && parsed.GetValue(_plainHttp),
        PlainHttpHosts = parsed.GetResult(_plainHosts) is null ? [] : [.. parsed.GetValue(_plainHosts)!.Select(LoginCommand.HostAlone)],
        CaFile = parsed.GetValue(_caFile),
        CertificateFolder = parsed.GetValue(_folder),
    };
}
