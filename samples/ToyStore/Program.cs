// A third kind of store, in one project: dotnet run --project samples/ToyStore -- oci:./app
using Pail;

await using var pail = new PailClient();
await pail.CopyAsync(args[0], "toy://shelf/app:1");
await foreach (var tag in pail.ListTagsAsync("toy://shelf/app"))
    Console.WriteLine($"toy://shelf/app:{tag}");
Console.WriteLine($"On S3 that would have cost ${pail.Requests.Price}.");
