namespace Pail.Server.Page.Views;

/// <summary>The views there are. Those that change something exist only where that is allowed.</summary>
internal static class PageViews
{
    public static IEnumerable<PageView> All(RegistryServices services, PageOptions options, Sessions sessions)
    {
        var reader = new PageReader(services);
        var files = new FileReader();
        yield return new("", ViewOf.Registry, new RepositoriesView().ShowAsync);
        yield return new("tags", ViewOf.Repository, new TagsView(reader).ShowAsync);
        yield return new("image", ViewOf.Image, new ImageView(reader).ShowAsync);
        yield return new("history", ViewOf.Tag, HistoryView.ShowAsync);
        yield return new("compare", ViewOf.Repository, new CompareView(reader, files).ShowAsync);
        yield return new("files", ViewOf.Image, new FilesView(reader, files).ShowAsync);
        yield return new("state", ViewOf.Registry, StateView.ShowAsync);
        if (services.Door is { } door)
        {
            var sign = new SignInView(door, sessions);
            yield return new("sign-in", ViewOf.Registry, sign.ShowAsync, sign.SignInAsync);
            yield return new("sign-out", ViewOf.Registry, sign.ShowSignOutAsync, sign.SignOutAsync);
        }
        if (!options.Actions)
            yield break;
        var actions = new ActionViews(reader, sessions, new Manifests.Deletions(services));
        yield return new("untag", ViewOf.Tag, actions.ShowUntagAsync, actions.UntagAsync);
        yield return new("move", ViewOf.Tag, actions.ShowMoveAsync, actions.MoveAsync);
        yield return new("delete", ViewOf.Manifest, actions.ShowDeleteAsync, actions.DeleteAsync);
        yield return new("removed", ViewOf.Repository, actions.ShowRemovedAsync, actions.RestoreAsync);
    }
}
