// Lists the tags of a repository: dotnet run --project samples/Tags -- s3://acme/app
using Pail;

await using var pail = new PailClient();
await foreach (var tag in pail.ListTagsAsync(args[0]))
    Console.WriteLine(tag);
