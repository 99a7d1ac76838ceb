using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Pail.Tests.Kit;

namespace Pail.Tests.S3;

/// <summary>Credentials, region, endpoint and trust come from where every AWS tool looks: the command is run, and the store sees what it asks.</summary>
[NeedsServers]
[Trait("Also", "Native")]
public sealed class S3EnvironmentTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("pail-aws-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private async Task<Finished> RunAsync(string[] arguments, params (string Name, string Value)[] variables)
    {
        var environment = Environment.GetEnvironmentVariables().Keys.Cast<string>()
            .Where(name => name.StartsWith("AWS_", StringComparison.Ordinal) || name.EndsWith("_PROXY", StringComparison.OrdinalIgnoreCase))
            .ToDictionary(name => name, _ => (string?)null);
        environment["HOME"] = _folder;
        environment["AWS_EC2_METADATA_DISABLED"] = "true";
        foreach (var (name, value) in variables)
            environment[name] = value;
        return await Child.RunAsync(BuiltPail.File, BuiltPail.Arguments(arguments), environment);
    }

    private string Write(string name, string text)
    {
        var path = Path.Combine(_folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }

    private static FakeStore Missing(X509Certificate2? certificate = null) => new(_ => FakeStore.Error(404, "NoSuchBucket"), certificate);

    private static void AssertSignedBy(FakeStore store, string key, string region)
    {
        Assert.NotEmpty(store.Requests);
        Assert.All(store.Requests, request => Assert.Matches($"Credential={key}/[0-9]{{8}}/{region}/s3/aws4_request", request.Head["Authorization"]));
    }

    [Theory]
    [InlineData("AWS_ENDPOINT_URL_S3", null, "us-east-1")]
    [InlineData("AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION", "eu-north-1")]
    [InlineData("AWS_ENDPOINT_URL_S3", "AWS_REGION", "region-one")]
    public async Task Variables_EndpointRegionAndKeys_AreUsed(string endpointVariable, string? regionVariable, string region)
    {
        await using var store = Missing();
        var pail = await RunAsync(
            ["tags", "s3://bucket/app"],
            [(endpointVariable, store.Endpoint), ("AWS_ACCESS_KEY_ID", "KEYONE"), ("AWS_SECRET_ACCESS_KEY", "s"), ("AWS_SESSION_TOKEN", "TOKEN"), .. regionVariable is null ? [] : new[] { (regionVariable, region) }]);
        Assert.Contains("no such bucket", pail.Error, StringComparison.Ordinal);
        AssertSignedBy(store, "KEYONE", region);
        Assert.All(store.Requests, request => Assert.Equal("TOKEN", request.Head["x-amz-security-token"]));
    }

    [Theory]
    [InlineData("endpoint_url = {0}", "")]
    [InlineData("endpoint_url = {0}\ns3 =\n  addressing_style = path", "")]
    [InlineData("services = local", "[services local]\ns3 =\n  endpoint_url = {0}\n")]
    public async Task Profile_OfTheConfigurationFiles_IsUsed(string line, string section)
    {
        await using var store = Missing();
        Write(".aws/credentials", "[work]\naws_access_key_id = KEYTWO\naws_secret_access_key = s\n");
        Write(".aws/config", $"[default]\nregion = us-west-2\n\n[profile work]\nregion = ap-south-1\n{string.Format(line, store.Endpoint)}\n\n{string.Format(section, store.Endpoint)}");
        await RunAsync(["tags", "s3://bucket/app"], ("AWS_PROFILE", "work"));
        AssertSignedBy(store, "KEYTWO", "ap-south-1");
    }

    [Fact]
    public async Task Files_NamedByVariables_AreUsed()
    {
        await using var store = Missing();
        await RunAsync(
            ["tags", "s3://bucket/app"],
            ("AWS_SHARED_CREDENTIALS_FILE", Write("keys", "[default]\naws_access_key_id = KEYTHREE\naws_secret_access_key = s\n")),
            ("AWS_CONFIG_FILE", Write("conf", $"[default]\nregion = sa-east-1\nendpoint_url = {store.Endpoint}\n")));
        AssertSignedBy(store, "KEYTHREE", "sa-east-1");
    }

    [Fact]
    public async Task Process_ThatGivesCredentials_IsAsked()
    {
        await using var store = Missing();
        var keys = Write("keys.json", """{"Version":1,"AccessKeyId":"KEYFOUR","SecretAccessKey":"s","SessionToken":"t"}""");
        Write(".aws/config", $"[default]\nregion = sa-east-1\ncredential_process = cat {keys}\n");
        await RunAsync(["tags", "s3://bucket/app"], ("AWS_ENDPOINT_URL_S3", store.Endpoint));
        AssertSignedBy(store, "KEYFOUR", "sa-east-1");
    }

    [Fact]
    public async Task NoCredentials_SaysWhatToSet()
    {
        await using var store = Missing();
        var pail = await RunAsync(["tags", "s3://bucket/app"], ("AWS_ENDPOINT_URL_S3", store.Endpoint));
        Assert.NotEqual(0, pail.ExitCode);
        Assert.Contains("AWS_ACCESS_KEY_ID", Assert.Single(pail.Error.Trim().Split('\n')), StringComparison.Ordinal);
        Assert.Empty(store.Requests);
    }

    [Fact]
    public async Task NoSignRequest_AsksForTheImageAloneAndSignsNothing()
    {
        await using var store = new FakeStore(_ => FakeStore.Error(404, "NoSuchKey"));
        var pail = await RunAsync(["manifest", "--no-sign-request", "s3://bucket/app:1"], ("AWS_ENDPOINT_URL_S3", store.Endpoint), ("AWS_ACCESS_KEY_ID", "KEY"), ("AWS_SECRET_ACCESS_KEY", "s"));
        Assert.Equal(3, pail.ExitCode);
        var asked = Assert.Single(store.Requests);
        Assert.StartsWith("GET /bucket/v2/app/manifests/1 ", asked.Raw, StringComparison.Ordinal);
        Assert.Null(asked.Head["Authorization"]);
    }

    [Fact]
    public async Task WhatFailsAndIsTriedAgain_IsToldAtOnce()
    {
        FakeStore? asked = null;
        await using var store = new FakeStore(_ => asked!.Requests.Count == 1 ? FakeStore.Error(503, "SlowDown") : FakeStore.Error(404, "NoSuchBucket"));
        asked = store;
        var pail = await RunAsync(["tags", "s3://bucket/app"], ("AWS_ENDPOINT_URL_S3", store.Endpoint), ("AWS_ACCESS_KEY_ID", "KEY"), ("AWS_SECRET_ACCESS_KEY", "s"));
        var lines = pail.Error.Trim().Split('\n');
        Assert.Equal(2, lines.Length);
        Assert.StartsWith("Trying again: s3://bucket pail.json: the store asks to slow down", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("pail: s3://bucket: there is no such bucket", lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task UnknownProfile_SaysSo()
    {
        var pail = await RunAsync(["tags", "s3://bucket/app"], ("AWS_REGION", "eu-west-1"), ("AWS_PROFILE", "nobody"));
        Assert.NotEqual(0, pail.ExitCode);
        Assert.Contains("nobody", Assert.Single(pail.Error.Trim().Split('\n')), StringComparison.Ordinal);
    }

    [Fact]
    public async Task NoRegion_OnAmazon_SaysWhatToSet()
    {
        var pail = await RunAsync(["tags", "s3://bucket/app"], ("AWS_ACCESS_KEY_ID", "k"), ("AWS_SECRET_ACCESS_KEY", "s"));
        Assert.NotEqual(0, pail.ExitCode);
        Assert.Contains("AWS_REGION", Assert.Single(pail.Error.Trim().Split('\n')), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Amazon_ByAProxy_IsAskedAsAmazonWants()
    {
        // Amazon's names lead nowhere here; a proxy is asked for them instead, and plays S3.
        await using var amazon = new FakeStore(asked => asked.Head.FirstLine.Split(' ') switch
        {
            ["HEAD", _, _] => FakeStore.Answer(404),
            ["GET", var target, _] when target.Contains("list-type", StringComparison.Ordinal) => FakeStore.Answer(200, "<ListBucketResult></ListBucketResult>"),
            ["GET", _, _] => FakeStore.Error(404, "NoSuchKey"),
            _ => FakeStore.Answer(200, headers: "ETag: \"0a\"\r\n"),
        });
        await RunAsync(
            ["init", "s3://bucket", "--layout", "v2"],
            ("AWS_ENDPOINT_URL_S3", "http://s3.eu-north-1.amazonaws.com"),
            ("AWS_REGION", "eu-north-1"),
            ("AWS_ACCESS_KEY_ID", "KEY"),
            ("AWS_SECRET_ACCESS_KEY", "s"),
            ("http_proxy", amazon.Endpoint));
        AssertSignedBy(amazon, "KEY", "eu-north-1");
        Assert.All(amazon.Requests, request => Assert.Equal("bucket.s3.eu-north-1.amazonaws.com", request.Head["Host"]));
        var make = amazon.Requests.First(request => request.Head.FirstLine.StartsWith("PUT http://bucket.s3.eu-north-1.amazonaws.com/ ", StringComparison.Ordinal));
        Assert.Contains("<LocationConstraint>eu-north-1</LocationConstraint>", make.Raw, StringComparison.Ordinal);
        var settings = amazon.Requests.First(request => request.Head.FirstLine.Contains("pail.json", StringComparison.Ordinal) && request.Head.FirstLine.StartsWith("PUT", StringComparison.Ordinal));
        Assert.Equal(Convert.ToBase64String(SHA256.HashData(settings.Body)), settings.Head["x-amz-checksum-sha256"]);
        Assert.Contains("x-amz-checksum-sha256", settings.Head["Authorization"]!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CaBundle_DecidesWhomToTrust()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        await using var store = Missing(certificate);
        (string, string)[] variables = [("AWS_ENDPOINT_URL_S3", store.Endpoint), ("AWS_ACCESS_KEY_ID", "KEY"), ("AWS_SECRET_ACCESS_KEY", "s")];

        var strange = await RunAsync(["tags", "s3://bucket/app"], variables);
        Assert.Contains("isn't trusted", strange.Error, StringComparison.Ordinal);
        Assert.Empty(store.Requests);

        var trusted = await RunAsync(["tags", "s3://bucket/app"], [.. variables, ("AWS_CA_BUNDLE", Write("ca.pem", certificate.ExportCertificatePem()))]);
        Assert.Contains("no such bucket", trusted.Error, StringComparison.Ordinal);
        AssertSignedBy(store, "KEY", "us-east-1");

        var broken = await RunAsync(["tags", "s3://bucket/app"], [.. variables, ("AWS_CA_BUNDLE", Path.Combine(_folder, "none.pem"))]);
        Assert.Contains("AWS_CA_BUNDLE", broken.Error, StringComparison.Ordinal);
    }
}
