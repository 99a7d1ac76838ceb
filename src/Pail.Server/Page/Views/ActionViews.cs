using Microsoft.AspNetCore.Http;
using Pail.Access;
using Pail.Buckets;
using Pail.Oci;
using Pail.Removal;
using Pail.Server.Audit;
using Pail.Server.Errors;
using Pail.Server.Manifests;

namespace Pail.Server.Page.Views;

/// <summary>
/// Moves, removes and restores tags and images, where the operator allows it: each by a form that says what else goes. The forms need the rights that the API
/// asks for, the token of their session, and an origin that is this page.
/// </summary>
internal sealed class ActionViews(PageReader reader, Sessions sessions, Deletions deletions)
{
    private const int MaxForm = 16 << 10;
    private const int Most = 200;

    public async Task<RegistryError?> ShowUntagAsync(PageRequest page)
    {
        if (!page.May(AccessActions.Delete, page.Repository))
            return page.Refuse();
        var tag = Tag(page);
        return await reader.FindAsync(page.Repository, tag, page.Cancel) is not { } manifest
            ? RegistryError.ManifestUnknown.About(tag.ToString())
            : await AskAsync(page, $"Remove the tag {tag}?", "Remove tag", $"""
                <p>The tag <strong>{page.Repository}:{tag}</strong> goes, and nothing else: the image {Words.Digest(manifest.Digest)} stays under its digest until garbage is collected.</p>
                <p>It can be restored for as long as the bucket keeps what was removed.</p>
                """);
    }

    public Task<RegistryError?> UntagAsync(PageRequest page) => TakeAsync(page, AccessActions.Delete, "delete", async _ =>
        await deletions.RemoveAsync(page.Context, page.Repository, Tag(page)) ? PageRoute.To("tags", page.Repository) : null);

    public async Task<RegistryError?> ShowDeleteAsync(PageRequest page)
    {
        if (!page.May(AccessActions.Delete, page.Repository))
            return page.Refuse();
        var digest = page.Route.Reference!.Value.Digest!.Value;
        if (await reader.FindAsync(page.Repository, Reference.Of(digest), page.Cancel) is null)
            return RegistryError.ManifestUnknown.About(digest.ToString());
        var tags = await page.Services.Bucket.Repository(page.Repository).Manifests.FindTagsAsync(digest, page.Cancel);
        return await AskAsync(page, "Delete this image?", "Delete image", $"""
            <p>The image {Words.Digest(digest)} of <strong>{page.Repository}</strong> goes{(tags.Count == 0 ? "; no tag names it." : ", and with it every tag that names it:")}</p>
            <ul>{tags.Take(Most).Select(tag => (Html)$"<li><strong>{tag}</strong></li>")}</ul>
            {(tags.Count > Most ? $"<p>and {Words.Count(tags.Count - Most, "more tag")}.</p>" : Html.None)}
            <p>Its layers stay until garbage is collected, and what refers to it, such as signatures, stays. It can be restored, with its tags, for as long as the bucket keeps what was removed.</p>
            """);
    }

    public Task<RegistryError?> DeleteAsync(PageRequest page) => TakeAsync(page, AccessActions.Delete, "delete", async _ =>
        await deletions.RemoveAsync(page.Context, page.Repository, page.Route.Reference!.Value) ? PageRoute.To("tags", page.Repository) : null);

    public async Task<RegistryError?> ShowMoveAsync(PageRequest page)
    {
        if (!page.May(AccessActions.Push, page.Repository) || !page.May(AccessActions.Pull, page.Repository))
            return page.Refuse();
        var tag = Tag(page);
        if (await reader.FindAsync(page.Repository, tag, page.Cancel) is not { } manifest)
            return RegistryError.ManifestUnknown.About(tag.ToString());
        return await AskAsync(page, $"Move the tag {tag}", "Move tag", $"""
            <p><strong>{page.Repository}:{tag}</strong> names {Words.Digest(manifest.Digest)} now. Whoever pulls it gets the other image from then on. Its history remembers this one.</p>
            <label for="to">Tag or digest of this repository that it shall name</label>
            <input id="to" name="to" required autocomplete="off" spellcheck="false" value="{page.Query("to")}">
            """);
    }

    public Task<RegistryError?> MoveAsync(PageRequest page) => TakeAsync(page, AccessActions.Push, "push", async form =>
    {
        if (!page.May(AccessActions.Pull, page.Repository))
            throw new RegistryException(RegistryError.Denied);
        if (!Reference.TryParse(form["to"], out var to) || await reader.FindAsync(page.Repository, to, page.Cancel) is not { } manifest)
            throw new RegistryException(RegistryError.ManifestUnknown.About(form["to"]));
        try
        {
            await TagRollback.MoveAsync(page.Services.Open(page.Repository, page.Context), Tag(page).Tag!, manifest.Digest, page.Cancel);
        }
        finally
        {
            page.Services.Tags.Forget(page.Repository, Tag(page).Tag!);
        }
        return PageRoute.To("image", page.Repository, Tag(page));
    });

    public async Task<RegistryError?> ShowRemovedAsync(PageRequest page)
    {
        if (!page.May(AccessActions.Push, page.Repository) || !page.May(AccessActions.List, page.Repository))
            return page.Refuse();
        var found = await FindAsync(page);
        var token = sessions.TokenOf(Session(page));
        Html body = $"""
            <h1>Removed from {page.Repository}</h1>
            <p class="lead">{(found.Count == 0 ? "Nothing that could be restored." : "A restored image has its tags back that went with it.")}</p>
            {(found.Count == 0 ? Html.None : (Html)$"""
                <table class="list"><caption class="hidden">What can be restored</caption>
                <thead><tr><th scope="col">Tag or image</th><th scope="col">Removed</th><th scope="col">Restore</th></tr></thead>
                <tbody>{found.Take(Most).Select(item => (Html)$"""
                    <tr><th scope="row">{(item.Reference.Digest is { } digest ? Words.Digest(digest) : (Html)$"{item.Reference}")}</th><td data-label="Removed">{(item.Time is null ? (Html)$"being collected" : Words.Ago(page.Now, item.Time))}</td><td data-label="Restore"><form method="post">{PageShell.Token(token)}<input type="hidden" name="what" value="{item.Reference}"><button>Restore<span class="hidden"> {item.Reference}</span></button></form></td></tr>
                    """)}</tbody></table>
                """)}
            {(found.Count > Most ? $"""<p class="note">{Words.Count(found.Count - Most, "more is", "more are")} not shown; <code>pail undelete</code> lists all.</p>""" : Html.None)}
            """;
        return await page.ShowAsync($"Removed from {page.Repository}", body, Crumbs(page));
    }

    public Task<RegistryError?> RestoreAsync(PageRequest page) => TakeAsync(page, AccessActions.Push, "push", async form =>
    {
        if (!Reference.TryParse(form["what"], out var what) || (await FindAsync(page)).FirstOrDefault(item => item.Reference == what) is not { } removed)
            return null;
        var services = page.Services;
        try
        {
            await new Undeleter(services.Bucket, Running.Forwarding.Requester(page.Context)).RestoreAsync(removed, page.Cancel);
        }
        finally
        {
            if (what.Tag is { } tag)
                services.Tags.Forget(page.Repository, tag);
        }
        if (what.Digest is { } digest)
            await services.Border.AddAsync(page.Repository, digest, page.Cancel);
        return PageRoute.To("image", page.Repository, what);
    });

    private static async Task<IReadOnlyList<Removed>> FindAsync(PageRequest page) =>
        [.. (await Undeletion.FindAsync(page.Services.Bucket, ImagePattern.Parse(page.Repository.ToString()), page.Cancel)).Where(item => item.Repository == page.Repository).OrderByDescending(item => item.Time)];

    private static Reference Tag(PageRequest page) => page.Route.Reference!.Value;

    private static Crumb[] Crumbs(PageRequest page) => [new("Repositories", "/"), new(page.Repository.ToString(), PageRoute.To("tags", page.Repository))];

    // Where nobody signs in, forms are bound to a session all the same.
    private PageSession Session(PageRequest page) => page.Session ??= sessions.Begin(page.Context, new(Subject.Anonymous, ""));

    private Task<RegistryError?> AskAsync(PageRequest page, string title, string button, Html what) => page.ShowAsync(title, $"""
        <h1>{title}</h1>
        <form method="post" class="panel">{PageShell.Token(sessions.TokenOf(Session(page)))}
        {what}
        <p><button class="bad">{button}</button> <a href="{PageRoute.To("tags", page.Repository)}">Cancel</a></p>
        </form>
        """, Crumbs(page));

    // What a form says is done once it is sure that a person wanted it. Null from the work: what it is about is gone.
    private async Task<RegistryError?> TakeAsync(PageRequest page, AccessActions action, string kind, Func<PageForm, Task<string?>> work)
    {
        if (!page.May(action, page.Repository))
            return page.Refuse();
        if (await PageForm.ReadAsync(page.Context, MaxForm) is not { } form || !sessions.IsOwnForm(page.Context, page.Session, form["token"]))
            return RegistryError.Denied.About("the form was too old, or did not come from this page; nothing was changed");
        string? next;
        try
        {
            next = await work(form);
        }
        catch (PailException e) when (e.Failure is Failure.NotFound or Failure.Conflict or Failure.BadContent && StoreFailures.Find(e) is null)
        {
            return RegistryError.Denied.WithStatus(StatusCodes.Status409Conflict).About(e.Message);
        }
        if (next is null)
            return RegistryError.ManifestUnknown;
        AuditMark.Done(page.Context, kind, page.Repository, page.Route.Reference ?? Reference.Parse(form["what"]));
        page.Redirect(next);
        return null;
    }
}
