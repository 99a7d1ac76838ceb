using Pail.Access;

namespace Pail.Tests.Access;

public sealed class AccessRulesTests
{
    private const string Text = """
        version: 1
        rules:
          - name: public
            subjects: anonymous
            repositories: "public/**"
            allow: [pull, list]
          - subjects: group:developers
            repositories: "team-a/**"
            except-repositories: team-a/secret
            allow: [pull, push, list]
          - subjects: [robot:ci, user:root]
            repositories: "**"
            allow: admin
          - name: frozen
            subjects: anyone
            repositories: "*/frozen"
            deny: [push, delete]
          - subjects: {issuer: github, claims: {repository_id: "42", ref: ["refs/heads/main", "refs/tags/*"]}}
            repositories: team-a/app
            allow: push
          - subjects: anonymous
            repositories: public/login
            deny: pull
          - subjects: "user:*"
            repositories: users/all
            allow: pull
        groups:
          developers: [alice, bob]
        issuers:
          github:
            issuer: https://token.actions.githubusercontent.com
            audience: registry.example.com
        """;

    [Theory]
    [InlineData("anonymous", "pull", "public/app", true)]
    [InlineData("anonymous", "push", "public/app", false)]
    [InlineData("anonymous", "pull", "public", false)]
    [InlineData("anonymous", "pull", "publicity/app", false)]
    [InlineData("alice", "pull", "public/app", true)] // a login takes nothing away
    [InlineData("robot:other", "list", "public/app", true)]
    [InlineData("anonymous", "pull", "public/login", false)]
    [InlineData("carol", "pull", "public/login", true)]
    [InlineData("alice", "push", "team-a/app", true)]
    [InlineData("alice", "delete", "team-a/app", false)] // push does not mean delete
    [InlineData("alice", "push", "team-a/secret", false)]
    [InlineData("alice", "push", "team-ab/app", false)]
    [InlineData("alice", "push", "team-a", false)]
    [InlineData("carol", "push", "team-a/app", false)]
    [InlineData("robot:alice", "push", "team-a/app", false)] // a group is one of users
    [InlineData("root", "delete", "any/thing", true)]
    [InlineData("robot:ci", "admin", "any/thing", true)]
    [InlineData("user:ci", "pull", "any/thing", false)]
    [InlineData("root", "push", "any/frozen", false)] // a denial wins wherever it stands
    [InlineData("alice", "push", "team-a/frozen", false)]
    [InlineData("root", "pull", "any/frozen", true)]
    [InlineData("issuer:github,repository_id=42,ref=refs/heads/main", "push", "team-a/app", true)]
    [InlineData("issuer:github,repository_id=42,ref=refs/tags/v1", "push", "team-a/app", true)]
    [InlineData("issuer:github,repository_id=42,ref=refs/tags/v1/x", "push", "team-a/app", false)]
    [InlineData("issuer:github,repository_id=42", "push", "team-a/app", false)]
    [InlineData("issuer:github,repository_id=421,ref=refs/heads/main", "push", "team-a/app", false)]
    [InlineData("issuer:gitlab,repository_id=42,ref=refs/heads/main", "push", "team-a/app", false)]
    [InlineData("dave", "pull", "users/all", true)]
    [InlineData("robot:dave", "pull", "users/all", false)]
    [InlineData("anonymous", "pull", "users/all", false)]
    public void Allow_EachSubject_IsWhatTheRulesSay(string subject, string action, string repository, bool allowed) =>
        Assert.Equal(allowed, AccessRules.Parse(Text, "test").Allow(Subject.Parse(subject), AccessWords.Read(action)!.Value, repository));

    [Fact]
    public void Decide_NamesTheRuleThatDecides()
    {
        var rules = AccessRules.Parse(Text, "test");
        Assert.Equal("rule 'frozen' (line 14)", rules.Decide(Subject.Parse("root"), AccessActions.Push, "any/frozen").Rule!.ToString());
        Assert.Equal("the rule of line 11", rules.Decide(Subject.Parse("root"), AccessActions.Push, "any/app").Rule!.ToString());
        Assert.Null(rules.Decide(Subject.Anonymous, AccessActions.Push, "any/app").Rule);
        Assert.True(rules.Know(Subject.Anonymous));
        Assert.False(AccessRules.None.Know(Subject.Anonymous));
    }

    [Fact]
    public void Read_Json_IsReadAsWell() => Assert.True(AccessRules.Parse("""{"rules": [{"subjects": ["user:a"], "repositories": ["x"], "allow": ["pull"]}]}""", "test").Allow(Subject.Parse("a"), AccessActions.Pull, "x"));

    [Theory]
    [InlineData("rules: [{subjects: alice, repositories: x, allow: pull}]", "1:20: is 'alice' a user, a robot or a group? write user:alice")]
    [InlineData("rules: [{subjects: \"group:x\", repositories: x, allow: pull}]", "there is no group 'x'")]
    [InlineData("rules: [{subjects: \"user:a*\", repositories: x, allow: pull}]", "'*' alone is all")]
    [InlineData("rules: [{subjects: \"team:a\", repositories: x, allow: pull}]", "a subject is anonymous, anyone, user:NAME")]
    [InlineData("rules: [{subjects: anyone, repositories: X, allow: pull}]", "write 'x'")]
    [InlineData("rules: [{subjects: anyone, repositories: x, allow: read}]", "an action is expected: pull, push, delete, list, admin")]
    [InlineData("rules: [{subjects: anyone, repositories: x, allow: \"*\"}]", "for everything write admin")]
    [InlineData("rules: [{subjects: anyone, repositories: x}]", "what is allowed or denied?")]
    [InlineData("rules: [{repositories: x, allow: pull}]", "which subjects?")]
    [InlineData("rules: [{subjects: anyone, allow: pull}]", "which repositories?")]
    [InlineData("rules: [{subjects: [], repositories: x, allow: pull}]", "a subject is missing")]
    [InlineData("rules: [{subjects: anyone, repositories: x, alow: pull}]", "'alow' means nothing here")]
    [InlineData("rule: []", "'rule' means nothing here")]
    [InlineData("groups: {a: [b], a: [c]}", "the group 'a' is there twice")]
    [InlineData("rules: [{subjects: {issuer: x, claims: {sub: a}}, repositories: x, allow: pull}]", "there is no issuer 'x'")]
    [InlineData("issuers: {x: {issuer: \"http://example.com\", audience: a}}", "https://HOST[/PATH] is expected")]
    [InlineData("issuers: {x: {issuer: \"https://example.com\"}}", "for whom must its tokens be?")]
    [InlineData("issuers: {x: {issuer: \"https://example.com\", audience: a, algorithms: none}}", "an algorithm is expected: RS256")]
    [InlineData("issuers: {x: {issuer: \"https://example.com\", audience: a, algorithms: HS256}}", "an algorithm is expected: RS256")]
    [InlineData("issuers: {x: {issuer: \"https://e.com\", audience: a}, y: {issuer: \"https://e.com\", audience: b}}", "has two names")]
    [InlineData("version: 2", "version: 1 is expected")]
    public void Read_Mistakes_SayWhatToWrite(string text, string message)
    {
        var (rules, problems) = AccessRules.Read(text);
        Assert.Null(rules);
        Assert.Contains(problems, problem => problem.ToString().Contains(message, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("", "every token of the issuer would match")]
    [InlineData("sub: \"*\"", "every token of the issuer would match")]
    [InlineData("repository: acme/app", "'repository' is a name")]
    [InlineData("project_path: acme/app", "'project_path' is a name")]
    [InlineData("sub: \"repo:acme/app:ref:refs/heads/main\"", "'sub' is a name")]
    [InlineData("sub: \"project_path:acme/app:ref_type:branch\"", "'sub' is a name")]
    [InlineData("sub: \"repo:acme@1/app@2:ref:refs/heads/main\"", null)]
    [InlineData("sub: \"system:serviceaccount:ci:pusher\"", null)]
    [InlineData("repository: acme/app, repository_id: \"42\"", null)]
    [InlineData("repository: acme/app, repository_id: [\"42\", \"43\"]", null)]
    [InlineData("repository: acme/app, repository_id: \"*\"", "'repository' is a name")] // an id that is any is none
    [InlineData("repository: acme/app, repository_id: [\"42\", \"4?\"]", "'repository' is a name")]
    [InlineData("repository: acme/app, repository_id: \"[0-9]*\"", "'repository' is a name")]
    [InlineData("sub: \"repo:acme/app:environment:a@1\"", "'sub' is a name")] // an @ that is of no id
    [InlineData("sub: \"repo:acme/app@2:ref:refs/heads/main\"", "'sub' is a name")]
    [InlineData("sub: \"repo:acme@1*/app@2:ref:refs/heads/main\"", "'sub' is a name")]
    [InlineData("sub: \"repo:acme@1/app@2*\"", "'sub' is a name")]
    [InlineData("sub: \"*:acme/app:ref:refs/heads/main\"", "'sub' is a name")]
    [InlineData("sub: \"r?po:acme/app:ref:refs/heads/main\"", "'sub' is a name")]
    [InlineData("sub: \"*acme/app:ref:refs/heads/main\"", "'sub' is a name")]
    [InlineData("sub: [\"repo:acme@1/app@2:*\", \"[p]roject_path:acme/app:*\"]", "'sub' is a name")]
    [InlineData("sub: \"repo:acme@1/app@2:*\"", null)]
    public void Read_Claims_MustBeLasting(string claims, string? message)
    {
        var (_, problems) = AccessRules.Read($"issuers: {{i: {{issuer: \"https://e.com\", audience: a}}}}\nrules: [{{subjects: {{issuer: i, claims: {{{claims}}}}}, repositories: x, allow: pull}}]");
        if (message is null)
            Assert.Empty(problems);
        else
            Assert.Contains(problems, problem => problem.Message.Contains(message, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("")]
    [InlineData("# nothing")]
    [InlineData("version: 1")]
    public void Read_NoRules_AllowNothing(string text)
    {
        var rules = AccessRules.Read(text).Rules!;
        foreach (var action in AccessWords.All)
            Assert.False(rules.Allow(Subject.Parse("root"), AccessWords.Read(action)!.Value, "x"));
    }

    [Theory]
    [InlineData("user:")]
    [InlineData("")]
    [InlineData("group:x")]
    [InlineData("issuer:")]
    [InlineData("issuer:x,y")]
    public void Subject_Unreadable_SaysWhatIsExpected(string text) => Assert.Contains("is expected", Assert.Throws<FormatException>(() => Subject.Parse(text)).Message, StringComparison.Ordinal);
}
