using System.Text.RegularExpressions;
using Pail.Access;
using Pail.Server.Configuration;
using Pail.Tests.Kit;
using YamlDotNet.RepresentationModel;

namespace Pail.Tests.Deploy;

/// <summary>The files of deploy/ that nothing here can run: what they name must be there, in themselves and in Pail.</summary>
public sealed partial class ManifestTests
{
    private static readonly string Folder = Path.Combine(TestEnvironment.Sources, "deploy");

    private static IReadOnlyList<YamlMappingNode> Base => [.. Listed("kubernetes/base").SelectMany(Documents)];

    [Fact]
    public void Kubernetes_EachFile_IsListedAndOfAKnownKind()
    {
        Assert.Equal(
            Directory.EnumerateFiles(Path.Combine(Folder, "kubernetes/base")).Select(Path.GetFileName).Except(["kustomization.yaml", "access.yaml"]).Order(),
            Listed("kubernetes/base").Select(Path.GetFileName).Order());
        (string, string)[] expected =
        [
            ("Namespace", "v1"), ("ServiceAccount", "v1"), ("ConfigMap", "v1"), ("Deployment", "apps/v1"), ("Service", "v1"), ("Ingress", "networking.k8s.io/v1"),
            ("PodDisruptionBudget", "policy/v1"), ("HorizontalPodAutoscaler", "autoscaling/v2"), ("NetworkPolicy", "networking.k8s.io/v1"),
        ];
        Assert.Equal(expected.Order(), Base.Select(item => (Text(item, "kind"), Text(item, "apiVersion"))).Order());
    }

    [Theory]
    [InlineData("Deployment", "spec/selector/matchLabels")]
    [InlineData("Deployment", "spec/template/spec/topologySpreadConstraints/0/labelSelector/matchLabels")]
    [InlineData("Service", "spec/selector")]
    [InlineData("PodDisruptionBudget", "spec/selector/matchLabels")]
    [InlineData("NetworkPolicy", "spec/podSelector/matchLabels")]
    public void Kubernetes_Selector_MatchesThePods(string kind, string path)
    {
        var labels = Map(Kind("Deployment"), "spec/template/metadata/labels").Children;
        Assert.All(Map(Kind(kind), path).Children, wanted => Assert.Equal(wanted.Value, labels[wanted.Key]));
        Assert.NotEmpty(Map(Kind(kind), path).Children);
    }

    [Fact]
    public void Kubernetes_WhatIsReferredTo_IsThere()
    {
        var deployment = Kind("Deployment");
        var container = Map(deployment, "spec/template/spec/containers/0");
        var ports = Items(container, "ports").ToDictionary(port => Text(port, "name"), port => Text(port, "containerPort"));
        Assert.Equal("pail", Text(Kind("HorizontalPodAutoscaler"), "spec/scaleTargetRef/name"));
        Assert.Equal(Text(deployment, "metadata/name"), Text(Kind("HorizontalPodAutoscaler"), "spec/scaleTargetRef/name"));
        Assert.Equal(Text(Kind("ServiceAccount"), "metadata/name"), Text(deployment, "spec/template/spec/serviceAccountName"));
        Assert.Equal(Text(Kind("ConfigMap"), "metadata/name"), Text(container, "envFrom/0/configMapRef/name"));
        Assert.Contains(Text(Kind("Service"), "spec/ports/0/targetPort"), ports.Keys);
        Assert.Equal(Text(Kind("Service"), "metadata/name"), Text(Kind("Ingress"), "spec/rules/0/http/paths/0/backend/service/name"));
        Assert.Equal(Text(Kind("Service"), "spec/ports/0/name"), Text(Kind("Ingress"), "spec/rules/0/http/paths/0/backend/service/port/name"));
        Assert.Equal(ports["http"], Text(Kind("NetworkPolicy"), "spec/ingress/0/ports/0/port"));
        Assert.Equal($"*:{ports["http"]}", Text(Kind("ConfigMap"), "data/PAIL_LISTEN"));
        Assert.Equal(Items(deployment, "spec/template/spec/volumes").Select(volume => Text(volume, "name")).Order(), Items(container, "volumeMounts").Select(mount => Text(mount, "name")).Order());

        // Each file that a setting names is below a mount.
        var mounts = Items(container, "volumeMounts").Select(mount => Text(mount, "mountPath")).ToList();
        Assert.All(Map(Kind("ConfigMap"), "data").Children.Values.Select(value => value.ToString()).Where(value => value.StartsWith('/')), file => Assert.Contains(mounts, mount => file.StartsWith($"{mount}/", StringComparison.Ordinal)));

        // The patch of the overlay is for something of the base.
        var patch = Documents(Path.Combine(Folder, "kubernetes/aws/role.yaml")).Single();
        Assert.Equal((Text(Kind(Text(patch, "kind")), "metadata/name"), "pail"), (Text(patch, "metadata/name"), Text(patch, "metadata/namespace")));
    }

    [Fact]
    public void Kubernetes_Probes_AreAnsweredByTheServer()
    {
        var pipeline = File.ReadAllText(Path.Combine(TestEnvironment.Sources, "src/Pail.Server/Routing/RequestPipeline.cs"));
        var container = Map(Kind("Deployment"), "spec/template/spec/containers/0");
        foreach (var probe in (string[])["startupProbe", "livenessProbe", "readinessProbe"])
        {
            Assert.Contains($"\"{Text(container, $"{probe}/httpGet/path")}\" =>", pipeline, StringComparison.Ordinal);
            Assert.Equal("http", Text(container, $"{probe}/httpGet/port"));
        }
    }

    [Fact]
    public void Kubernetes_TimeToStop_HoldsTheWaitAndTheDrain()
    {
        var pod = Map(Kind("Deployment"), "spec/template/spec");
        var wait = int.Parse(Text(pod, "containers/0/lifecycle/preStop/sleep/seconds"));
        Assert.True(int.Parse(Text(pod, "terminationGracePeriodSeconds")) > wait + new Pail.Server.ServerOptions().DrainTime.TotalSeconds);
    }

    [Fact]
    public void Kubernetes_AccessRules_AreValid() =>
        Assert.Empty(AccessRules.Read(File.ReadAllText(Path.Combine(Folder, "kubernetes/base/access.yaml"))).Problems);

    [Fact]
    public void Compose_WhatIsReferredTo_IsThere()
    {
        var compose = Documents(Path.Combine(Folder, "compose/compose.yaml")).Single();
        var service = Map(compose, "services/pail");
        Assert.Equal(Map(compose, "secrets").Children.Keys.Select(key => key.ToString()).Order(), ((YamlSequenceNode)service["secrets"]).Select(secret => secret.ToString()).Order());
        Assert.Equal("/run/secrets/pail", Text(service, "environment/PAIL_SECRET_FILE"));
        Assert.Equal("/run/secrets/aws", Text(service, "environment/AWS_SHARED_CREDENTIALS_FILE"));
        var listen = DockerfileListen().Match(File.ReadAllText(Path.Combine(Folder, "image/Dockerfile"))).Groups[1].Value;
        Assert.EndsWith($":{listen}", Text(service, "ports/0"), StringComparison.Ordinal);
    }

    // Wherever one is written: a misspelt variable would do nothing, in silence.
    [Fact]
    public void Variables_InAllFiles_AreSettings()
    {
        var known = Settings.All.Select(setting => setting.Variable).Append("PAIL_CONFIG").ToHashSet();
        var used = Directory.EnumerateFiles(Folder, "*", SearchOption.AllDirectories).SelectMany(file => Variable().Matches(File.ReadAllText(file)).Select(match => (File: file, match.Value))).ToList();
        Assert.NotEmpty(used);
        Assert.All(used, use => Assert.Contains(use.Value, known));
    }

    [Fact]
    public void Versions_OfImages_AreTheCurrentOne()
    {
        var version = VersionOfProject().Match(File.ReadAllText(Path.Combine(TestEnvironment.Sources, "Directory.Build.props"))).Groups[1].Value;
        foreach (var (file, text) in (ReadOnlySpan<(string, string)>)[("compose/compose.yaml", $"image: pail:{version}"), ("kubernetes/base/kustomization.yaml", $"newTag: {version}"), ("image/Dockerfile", $"ARG VERSION={version}")])
            Assert.Contains(text, File.ReadAllText(Path.Combine(Folder, file)), StringComparison.Ordinal);
    }

    private static YamlMappingNode Kind(string kind) => Base.Single(item => Text(item, "kind") == kind);

    private static IEnumerable<string> Listed(string folder)
    {
        var directory = Path.Combine(Folder, folder);
        return ((YamlSequenceNode)Documents(Path.Combine(directory, "kustomization.yaml")).Single()["resources"]).Select(file => Path.Combine(directory, file.ToString()));
    }

    private static IEnumerable<YamlMappingNode> Documents(string file)
    {
        var stream = new YamlStream();
        using var reader = new StreamReader(file);
        stream.Load(reader);
        return stream.Documents.Select(document => (YamlMappingNode)document.RootNode);
    }

    private static YamlNode At(YamlNode node, string path) =>
        path.Split('/').Aggregate(node, (at, step) => at is YamlSequenceNode list ? list[int.Parse(step)] : at[step]);

    private static YamlMappingNode Map(YamlNode node, string path) => (YamlMappingNode)At(node, path);

    private static string Text(YamlNode node, string path) => At(node, path).ToString();

    private static IEnumerable<YamlNode> Items(YamlNode node, string path) => (YamlSequenceNode)At(node, path);

    [GeneratedRegex("\\bPAIL_[A-Z_]+", RegexOptions.NonBacktracking)]
    private static partial Regex Variable();

    [GeneratedRegex("PAIL_LISTEN=\\*:(?<port>[0-9]+)", RegexOptions.NonBacktracking)]
    private static partial Regex DockerfileListen();

    [GeneratedRegex("<Version>(?<version>[^<]*)</Version>", RegexOptions.NonBacktracking)]
    private static partial Regex VersionOfProject();
}
