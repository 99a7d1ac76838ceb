// Copies an image: dotnet run --project samples/Push -- oci:./app s3://acme/app:1
using Pail;

await using var pail = new PailClient();
var result = await pail.CopyAsync(args[0], args[1]);
Console.WriteLine($"{result.Root.Digest}: {result.Sent} blobs sent, {result.Existed} were there.");
