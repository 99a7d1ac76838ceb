using Pail.Policies;

namespace Pail.Access;

/// <summary>Subjects that a rule is about.</summary>
internal abstract record SubjectPattern
{
    /// <summary>True if the subject is one of these.</summary>
    /// <param name="subject">The subject.</param>
    /// <param name="allows">True for what a rule allows, false for what it denies.</param>
    public abstract bool Matches(Subject subject, bool allows);

    /// <summary>Everybody, with a login or without.</summary>
    public sealed record Anyone : SubjectPattern
    {
        public override bool Matches(Subject subject, bool allows) => true;
    }

    /// <summary>Requests without a login. What they may do everybody may do: a login takes no right away.</summary>
    public sealed record Anonymous : SubjectPattern
    {
        public override bool Matches(Subject subject, bool allows) => allows || subject.Kind == SubjectKind.Anonymous;
    }

    /// <summary>A user or robot, or with <c>*</c> as the name all of them.</summary>
    public sealed record Named(SubjectKind Kind, string Name) : SubjectPattern
    {
        public override bool Matches(Subject subject, bool allows) => subject.Kind == Kind && (Name == "*" || Name == subject.Name);
    }

    /// <summary>The users of a group.</summary>
    public sealed record Group(string Name, IReadOnlySet<string> Users) : SubjectPattern
    {
        public override bool Matches(Subject subject, bool allows) => subject.Kind == SubjectKind.User && Users.Contains(subject.Name);
    }

    /// <summary>Workloads with an identity token of an issuer that has all these claims, each with one of its values.</summary>
    public sealed record Workload(string Issuer, IReadOnlyList<(string Claim, IReadOnlyList<Glob> Values)> Claims) : SubjectPattern
    {
        public override bool Matches(Subject subject, bool allows) =>
            subject.Kind == SubjectKind.Workload && subject.Name == Issuer
            && Claims.All(claim => subject.Claims.TryGetValue(claim.Claim, out var value) && claim.Values.Any(glob => glob.Matches(value)));
    }
}
