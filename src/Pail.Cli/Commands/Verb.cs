using System.CommandLine;
using Pail.Cli.Options;
using Pail.Cli.Output;
using Pail.Places;
using Pail.Remote;
using Pail.S3;
using Pail.Stores;
using Pail.Telemetry;
using Pail.Transfer;

namespace Pail.Cli.Commands;

/// <summary>A command whose help ends with examples.</summary>
internal interface IShowsExamples
{
    /// <summary>Command lines worth showing, each with what it does.</summary>
    IReadOnlyList<(string Line, string Says)> Examples { get; }
}

/// <summary>A verb that works on images or buckets: its options, and one session for each run.</summary>
internal abstract class Verb : Command, IShowsExamples
{
    private readonly OutputOptions _output = new();
    private readonly StoreOptions _store = new();
    private readonly RegistryConnectionOptions _registries = new();
    private readonly WorkOptions _work = new();
    private readonly TraceOption _trace = new();
    private readonly Terminal _terminal;

    protected Verb(Terminal terminal, string name, string description)
        : base(name, description)
    {
        _terminal = terminal;
        SetAction(InvokeAsync);
    }

    /// <inheritdoc/>
    public virtual IReadOnlyList<(string Line, string Says)> Examples => [];

    /// <summary>Does the work.</summary>
    protected abstract Task RunAsync(VerbRun session, CancellationToken cancel);

    /// <summary>Opens the buckets that are copied from, if they are reached otherwise than those copied to.</summary>
    protected virtual IStoreProvider? SourceStores(ParseResult parsed) => null;

    /// <summary>Adds the options all verbs share; called last in constructors, so that a verb's own come first in the help.</summary>
    /// <param name="json">The result is not bytes.</param>
    /// <param name="quiet">The verb tells of its work.</param>
    /// <param name="moves">The verb moves blobs.</param>
    /// <param name="store">The verb works on a bucket of the user's.</param>
    /// <param name="reads">It has use for a bucket that it can only read.</param>
    /// <param name="writes">It writes to buckets.</param>
    /// <param name="registries">The verb speaks to registries.</param>
    protected void AddSharedOptions(bool json = true, bool quiet = false, bool moves = false, bool store = true, bool reads = true, bool writes = false, bool registries = false)
    {
        _output.AddTo(this, json, quiet, cost: store);
        if (moves)
        {
            _work.AddTo(this);
            _trace.AddTo(this);
        }
        if (store)
            _store.AddTo(this, reads, writes);
        if (registries)
            _registries.AddTo(this);
    }

    private async Task<int> InvokeAsync(ParseResult parsed, CancellationToken cancel)
    {
        using var trace = _trace.Begin(parsed);
        using var span = PailTelemetry.Begin($"pail {Name}");
        var quiet = _output.Quiet(parsed);
        using var registries = new RegistryClients(_registries.Read(parsed) with { Warn = new WarningNotice(_terminal).Tell }, new TransferEngine(_work.Read(parsed, quiet ? null : new RetryNotice(_terminal).Tell)));
        using var places = new PlaceOpener([new S3Provider(root => _store.Read(parsed, root))], registries, new RequestMeter());
        using var sources = SourceStores(parsed) is { } others ? places.With(others) : null;
        var session = new VerbRun(parsed, _terminal, places)
        {
            Sources = sources ?? places,
            Reach = root => _store.Read(parsed, root),
            Json = _output.Json(parsed),
            Quiet = quiet,
            ExplainCost = _output.ExplainCost(parsed),
        };
        try
        {
            await RunAsync(session, cancel);
            return session.Outcome;
        }
        catch (Exception e)
        {
            span.Fail(e);
            throw;
        }
        finally
        {
            session.TellCost();
        }
    }
}
