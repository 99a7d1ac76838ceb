using Pail.Access;

namespace Pail.Server.Page;

/// <summary>What the cookie of a browser says.</summary>
/// <param name="Subject">The subject that signed in; anonymous before that.</param>
/// <param name="Proof">What the login rested on: <see cref="Access.Login.Proof"/>.</param>
/// <param name="Expires">When it ends.</param>
/// <param name="Id">A random name, which forms are bound to.</param>
internal sealed record PageSession(Subject Subject, string Proof, DateTimeOffset Expires, string Id);
