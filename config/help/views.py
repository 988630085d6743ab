"""The pages of the help, and the files that they show."""

from django.contrib import admin
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from config.help.documents import DOCS, paths, read, title_of
from config.help.topics import ORDER

_PICTURE = ".png"


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """All documents, by who they are for."""
    sections = [
        (who, [(title_of(f"{name}.md"), _url_of(f"{name}.md")) for name in names])
        for who, names in ORDER
    ]
    context = {**admin.site.each_context(request), "title": "Help", "help_sections": sections}
    return render(request, "help/overview.html", context)


@require_safe
def page(request: HttpRequest, path: str) -> HttpResponse | FileResponse:
    """A document, or a file that one shows."""
    if path not in paths():
        raise Http404("The help has no such page.")
    if path.endswith(".md"):
        document = read(path, _url_of)
        context = {"title": document.title, "document": document}
        return render(request, "help/page.html", {**admin.site.each_context(request), **context})
    file = (DOCS / path).open("rb")
    if path.endswith(_PICTURE):
        return FileResponse(file)
    # Examples are for reading: a page of the hub's own address never runs one.
    return FileResponse(file, content_type="text/plain; charset=utf-8")


def _url_of(path: str) -> str:
    return reverse("help-page", args=[path])
