namespace Pail.Tests.Kit;

/// <summary>
/// The program <c>pail</c> as tests start it: as built with them, or the file of <c>eng/native</c> if PAIL_TEST_NATIVE names it.
/// <c>./test</c> runs classes that start it, marked <c>[Trait("Also", "Native")]</c>, once with each.
/// </summary>
internal static class BuiltPail
{
    private static readonly string Assembly = Path.Combine(AppContext.BaseDirectory, "Pail.Cli.dll");

    /// <summary>The native file; null for the program built with the tests.</summary>
    public static string? Native { get; } = Environment.GetEnvironmentVariable("PAIL_TEST_NATIVE") is { Length: > 0 } file ? file : null;

    /// <summary>The file to execute.</summary>
    public static string File { get; } = Native ?? "dotnet";

    /// <summary>The command as a shell takes it.</summary>
    public static string ShellCommand { get; } = Native is null ? $"dotnet '{Assembly}'" : $"'{Native}'";

    /// <summary>What <see cref="File"/> wants for arguments to pail.</summary>
    public static IEnumerable<string> Arguments(params IEnumerable<string> arguments) => Native is null ? [Assembly, .. arguments] : arguments;
}
