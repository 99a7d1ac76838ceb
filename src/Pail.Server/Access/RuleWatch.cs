using Pail.Server.Running;

namespace Pail.Server.Access;

/// <summary>Follows rules and passwords that change while the server runs. One GET each time where the rules are in the bucket.</summary>
internal sealed class RuleWatch(RegistryServices services) : RecurringTask("rules", "reading the access rules and passwords", Interval, services.Log, services.Time)
{
    /// <summary>The longest time between two looks.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    /// <inheritdoc/>
    protected override Task RunAsync(CancellationToken cancel) => services.Door!.RereadAsync(cancel);
}
