"""Pages of the admin that are of no app."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_GET

from adminsite.palette import find_everything

# More is no name.
_LONGEST_TERM = 300


@require_GET
@admin.site.admin_view
def search(request: HttpRequest) -> HttpResponse:
    """What was found of what a user typed: a page, or, for htmx, what the page has of it."""
    term = " ".join(request.GET.get("q", "").replace("\0", "").split())
    is_too_long = len(term) > _LONGEST_TERM
    context = {
        "term": term,
        "is_too_long": is_too_long,
        "found": [] if is_too_long else find_everything(request, term),
    }
    if request.headers.get("HX-Request") == "true":
        return TemplateResponse(request, "adminsite/palette/results.html", context)
    context |= {**admin.site.each_context(request), "title": "Search"}
    return TemplateResponse(request, "adminsite/palette/page.html", context)
