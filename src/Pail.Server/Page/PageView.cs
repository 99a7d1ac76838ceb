using Pail.Server.Errors;

namespace Pail.Server.Page;

/// <summary>A view: its name in paths, and what answers.</summary>
/// <param name="Name">The name.</param>
/// <param name="Needs">What the path must name.</param>
/// <param name="Get">Shows it.</param>
/// <param name="Post">Takes its form; null if it has none.</param>
internal sealed record PageView(string Name, ViewOf Needs, Func<PageRequest, Task<RegistryError?>> Get, Func<PageRequest, Task<RegistryError?>>? Post = null)
{
    /// <summary>True if a path names what the view is of.</summary>
    public bool Fits(PageRoute route) => Needs switch
    {
        ViewOf.Registry => route.Repository is null,
        ViewOf.Repository => route is { Repository: not null, Reference: null },
        ViewOf.Tag => route.Reference is { Digest: null },
        ViewOf.Manifest => route.Reference is { Digest: not null },
        _ => route.Reference is not null,
    };
}

/// <summary>What a view is of.</summary>
internal enum ViewOf
{
    /// <summary>The registry.</summary>
    Registry,

    /// <summary>A repository.</summary>
    Repository,

    /// <summary>An image, by tag or digest.</summary>
    Image,

    /// <summary>A tag.</summary>
    Tag,

    /// <summary>An image by digest.</summary>
    Manifest,
}
