using Microsoft.Extensions.Logging;

namespace Pail.Server.Running;

/// <summary>
/// The lines that the server logs. An argument that is not in the message becomes a field of the JSON line
/// (<see cref="JsonLogLine"/>); one that is null is left out.
/// </summary>
internal static partial class ServerLog
{
    /// <summary>The category of the server's own lines.</summary>
    public const string Category = "Pail.Server";

    /// <summary>A request was answered, or broke off.</summary>
    [LoggerMessage(EventId = 1, Level = LogLevel.Information, Message = "request", SkipEnabledCheck = true)]
    public static partial void Request(
        this ILogger log, string id, string client, string method, string path, int status, long? bytes, double ms, bool? aborted, string? user, long? s3_a, long? s3_b);

    /// <summary>The bucket failed or refused while a request was answered. The reason says what to do.</summary>
    [LoggerMessage(EventId = 2, Level = LogLevel.Warning, Message = "{reason}")]
    public static partial void BucketFailed(this ILogger log, string id, string path, string reason);

    /// <summary>The bucket refuses what the server needs, until its administrator acts. The reason says what to do.</summary>
    [LoggerMessage(EventId = 3, Level = LogLevel.Error, Message = "{reason}")]
    public static partial void BucketRefused(this ILogger log, string id, string path, string reason);

    /// <summary>A fault of the server itself while a request was answered.</summary>
    [LoggerMessage(EventId = 4, Level = LogLevel.Error, Message = "this should not have happened: {reason}")]
    public static partial void RequestFailed(this ILogger log, Exception error, string id, string path, string reason);

    /// <summary>A background task failed for a known reason. It runs again.</summary>
    [LoggerMessage(EventId = 5, Level = LogLevel.Warning, Message = "{task}: {reason}; it is tried again later")]
    public static partial void TaskFailed(this ILogger log, string task, string reason);

    /// <summary>A background task failed for a reason that nobody expected. It runs again.</summary>
    [LoggerMessage(EventId = 6, Level = LogLevel.Error, Message = "{task}: this should not have happened: {reason}; it is tried again later")]
    public static partial void TaskBroke(this ILogger log, Exception error, string task, string reason);

    /// <summary>Dead uploads were removed.</summary>
    [LoggerMessage(EventId = 7, Level = LogLevel.Information, Message = "removed what dead uploads left: {objects} objects, {uploads} unfinished uploads")]
    public static partial void Swept(this ILogger log, int objects, int uploads);

    /// <summary>A renewed certificate is in use.</summary>
    [LoggerMessage(EventId = 8, Level = LogLevel.Information, Message = "the certificate was read again")]
    public static partial void CertificateRead(this ILogger log);

    /// <summary>A renewed certificate can't be used yet.</summary>
    [LoggerMessage(EventId = 9, Level = LogLevel.Warning, Message = "the certificate stays as it was: {reason}")]
    public static partial void CertificateKept(this ILogger log, string reason);

    /// <summary>Somebody changed the settings in the bucket, and this server follows.</summary>
    [LoggerMessage(EventId = 10, Level = LogLevel.Information, Message = "the bucket's settings changed: {what}")]
    public static partial void SettingsChanged(this ILogger log, string what);

    /// <summary>Somebody changed the settings in the bucket, and this server can't follow.</summary>
    [LoggerMessage(EventId = 11, Level = LogLevel.Error, Message = "the bucket's settings changed: {what}; restart this server")]
    public static partial void SettingsNeedRestart(this ILogger log, string what);

    /// <summary>Pull times can't be written to the bucket. Said once.</summary>
    [LoggerMessage(EventId = 12, Level = LogLevel.Warning, Message = "pull times are not kept: {reason}")]
    public static partial void PullsNotKept(this ILogger log, string reason);

    /// <summary>A collection on schedule ended.</summary>
    [LoggerMessage(EventId = 13, Level = LogLevel.Information, Message = "garbage was collected: {objects} objects of {bytes} bytes")]
    public static partial void Collected(this ILogger log, long objects, long bytes, int? dropped, int warnings);

    /// <summary>A collection on schedule met something that it can't read or remove.</summary>
    [LoggerMessage(EventId = 14, Level = LogLevel.Warning, Message = "{task}: {reason}")]
    public static partial void CollectionWarned(this ILogger log, string task, string reason);
    /// <summary>Rules that changed are in use.</summary>
    [LoggerMessage(EventId = 15, Level = LogLevel.Information, Message = "the access rules were read again: {rules} rules")]
    public static partial void RulesRead(this ILogger log, int rules);

    /// <summary>A robot can't be read.</summary>
    [LoggerMessage(EventId = 16, Level = LogLevel.Error, Message = "{reason}")]
    public static partial void RobotDamaged(this ILogger log, string reason);

    /// <summary>Passwords that changed are in use.</summary>
    [LoggerMessage(EventId = 17, Level = LogLevel.Information, Message = "the passwords were read again: {users} users")]
    public static partial void PasswordsRead(this ILogger log, int users);

    /// <summary>Something for auditors.</summary>
    [LoggerMessage(EventId = 22, Level = LogLevel.Information, Message = "audit")]
    public static partial void Audited(
        this ILogger log, string @event, string? id, string? client, string? user, string? agent, string? repository, string? reference, string? digest, int? status, string? detail);

    /// <summary>The last of the audit trail is not in the bucket.</summary>
    [LoggerMessage(EventId = 23, Level = LogLevel.Error, Message = "the last of the audit trail is in this log alone: {reason}")]
    public static partial void AuditNotKept(this ILogger log, string reason);

    /// <summary>Events could not be written to the bucket; they are sent from memory.</summary>
    [LoggerMessage(EventId = 30, Level = LogLevel.Error, Message = "{count} events are in memory alone: {reason}")]
    public static partial void EventsNotQueued(this ILogger log, int count, string reason);

    /// <summary>A webhook did not take an event. Said once for an event; it is sent again.</summary>
    [LoggerMessage(EventId = 31, Level = LogLevel.Warning, Message = "the webhook {webhook} does not take an event: {reason}; it is tried again")]
    public static partial void WebhookFailed(this ILogger log, string webhook, string reason);

    /// <summary>A webhook takes events again.</summary>
    [LoggerMessage(EventId = 32, Level = LogLevel.Information, Message = "the webhook {webhook} took an event after {failed} tries that failed")]
    public static partial void WebhookTakes(this ILogger log, string webhook, int failed);

    /// <summary>A webhook did not take an event as long as events are kept.</summary>
    [LoggerMessage(EventId = 33, Level = LogLevel.Error, Message = "an event was given up, since the webhook {webhook} does not take it: {reason}")]
    public static partial void EventDropped(this ILogger log, string webhook, string action, string repository, string? tag, string digest, string reason);

    /// <summary>Events that another server left are sent by this one.</summary>
    [LoggerMessage(EventId = 34, Level = LogLevel.Information, Message = "{count} events of a server that ended are sent from here")]
    public static partial void EventsTaken(this ILogger log, int count, string writer);

    /// <summary>An identity token is not good. What it says is not in the log: nothing of it is proved.</summary>
    [LoggerMessage(EventId = 20, Level = LogLevel.Information, Message = "an identity token was refused: {reason}")]
    public static partial void IdentityRefused(this ILogger log, string issuer, string reason);

    /// <summary>The keys of an issuer can't be read; those of before are used for a while.</summary>
    [LoggerMessage(EventId = 21, Level = LogLevel.Warning, Message = "the keys of an issuer can't be read: {reason}")]
    public static partial void IssuerFailed(this ILogger log, string reason);
}
