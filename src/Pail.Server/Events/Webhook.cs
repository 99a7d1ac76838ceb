using Pail.Policies;

namespace Pail.Server.Events;

/// <summary>How events are written for a webhook.</summary>
internal enum EventFormat
{
    /// <summary>The notification envelope of CNCF Distribution.</summary>
    Distribution,

    /// <summary>CloudEvents 1.0, structured, as JSON.</summary>
    CloudEvents,
}

/// <summary>Who hears of events.</summary>
/// <param name="Name">What it is called in logs; its address may hold a secret.</param>
/// <param name="Address">Where events are posted to.</param>
internal sealed record Webhook(string Name, Uri Address)
{
    /// <summary>How events are written.</summary>
    public EventFormat Format { get; init; }

    /// <summary>What signs them; null for no signature.</summary>
    public byte[]? Secret { get; init; }

    /// <summary>More headers, such as Authorization.</summary>
    public IReadOnlyList<(string Name, string Value)> Headers { get; init; } = [];

    /// <summary>Which actions.</summary>
    public IReadOnlySet<string> Actions { get; init; } = new HashSet<string>(StringComparer.Ordinal) { "push", "delete" };

    /// <summary>Of which repositories.</summary>
    public NameFilter Repositories { get; init; } = new([Glob.OfRepositories("**")], []);

    /// <summary>True if it wants to hear of the event.</summary>
    public bool Wants(RegistryEvent said) => Actions.Contains(said.Action) && Repositories.Matches(said.Repository);
}

/// <summary>All webhooks of a server.</summary>
/// <param name="Hooks">The webhooks.</param>
internal sealed record WebhookOptions(IReadOnlyList<Webhook> Hooks)
{
    /// <summary>How long an event is tried to be sent before it is given up.</summary>
    public TimeSpan Keep { get; init; } = TimeSpan.FromDays(7);

    /// <summary>The first wait after a webhook failed; each further one is twice as long.</summary>
    public TimeSpan FirstRetry { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest wait.</summary>
    public TimeSpan LongestRetry { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How often to look for what other servers left, at one LIST each time.</summary>
    public TimeSpan LookEvery { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>How long a server that says nothing is taken to be alive.</summary>
    public TimeSpan LeaseLife { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How long to wait between taking over the events of another server and sending them, for whoever takes them at the same time to be seen.</summary>
    public TimeSpan Settle { get; init; } = TimeSpan.FromSeconds(2);
}
