namespace Pail.Tests.Kit;

/// <summary>What <c>./test</c> started for the tests, told in environment variables. Without it a test fails; none is skipped.</summary>
internal static class TestEnvironment
{
    /// <summary>Ceph RGW; its keys are in the AWS variables.</summary>
    public static Uri S3 => new(Variable("PAIL_TEST_S3"));

    /// <summary>The log of RGW, one line a request, written a moment later.</summary>
    public static string S3Log => Variable("PAIL_TEST_S3_LOG");

    /// <summary>Bucket names whose host names, NAME.s3.localhost, resolve.</summary>
    public static IReadOnlyList<string> PublicBuckets => Variable("PAIL_TEST_BUCKETS").Split(' ');

    /// <summary>The socket of a Docker Engine, as DOCKER_HOST wants it.</summary>
    public static string Docker => Variable("PAIL_TEST_DOCKER");

    /// <summary>The socket of another Docker Engine.</summary>
    public static string OtherDocker => Variable("PAIL_TEST_DOCKER2");

    /// <summary>Ceph RGW 18 in the root of Debian 13, with the same keys.</summary>
    public static Uri S3OfDebian13 => new(Variable("PAIL_TEST_DEBIAN_S3"));

    /// <summary>The folder of the servers in the root of Debian 13, and of files that say whether they run.</summary>
    public static string Debian => Variable("PAIL_TEST_DEBIAN");

    /// <summary>The certificate of an authority that the engines of all tests trust; its key is beside it.</summary>
    public static string Authority => Variable("PAIL_TEST_AUTHORITY");

    /// <summary>The root of the sources.</summary>
    public static string Sources { get; } = FindSources();

    /// <summary>A variable that <c>./test</c> sets.</summary>
    public static string Variable(string name)
    {
        NeedsServersAttribute.Check(name);
        return Environment.GetEnvironmentVariable(name) is { Length: > 0 } value
            ? value
            : throw new InvalidOperationException($"{name} is not set: run ./test, which starts the servers this test needs.");
    }

    private static string FindSources()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "pail.slnx")))
                return folder.FullName;
        throw new InvalidOperationException("The tests run from a build below the sources, where pail.slnx is.");
    }
}
