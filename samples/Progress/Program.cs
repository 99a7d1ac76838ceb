// Copies an image, shows how far it is, and ends at Ctrl-C: dotnet run --project samples/Progress -- docker://alpine file:./images//alpine
using Pail;
using Pail.Copy;

using var interrupt = new CancellationTokenSource();
Console.CancelKeyPress += (_, pressed) =>
{
    pressed.Cancel = true;
    interrupt.Cancel();
};
var progress = new Progress<CopyProgress>(now => Console.Error.WriteLine($"{now.BlobsDone} of {now.Blobs} blobs, {now.BytesDone >> 10} of {now.Bytes >> 10} KiB"));
try
{
    await using var pail = new PailClient();
    var result = await pail.CopyAsync(args[0], args[1], progress: progress, cancel: interrupt.Token);
    Console.WriteLine($"{result.Root.Digest}: {result.BytesSent} bytes sent, for ${pail.Requests.Price}.");
    return 0;
}
catch (PailException e)
{
    // One line that says what failed and what to do; e.Failure says of which kind it is.
    Console.Error.WriteLine(e.Message);
    return 1;
}
catch (OperationCanceledException)
{
    Console.Error.WriteLine("interrupted; nothing was left behind.");
    return 130;
}
