using System.CommandLine;
using Pail.Cli.Output;
using Pail.Remote.Credentials;

namespace Pail.Cli.Commands;

internal sealed class LogoutCommand : Verb
{
    private readonly Argument<string> _registry = LoginCommand.HostArgument();

    public LogoutCommand(Terminal terminal)
        : base(terminal, "logout", "Forget the login for a registry, wherever Pail would find it")
    {
        Add(_registry);
        AddSharedOptions(json: false, quiet: true, store: false);
    }

    protected override async Task RunAsync(VerbRun session, CancellationToken cancel)
    {
        var host = LoginCommand.Host(session.Get(_registry));
        var known = await new CredentialStore(session.Places.Registries.Options).ForgetAsync(host, cancel);
        session.Say(known ? $"Forgot the login for {host}." : $"There was no login for {host}.");
    }
}
