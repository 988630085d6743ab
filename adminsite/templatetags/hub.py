"""The formatting functions of `adminsite.formatting`, for templates."""

from django.http import HttpRequest
from django.template import Library

from adminsite import formatting

register = Library()

register.filter("admin_link", formatting.link_to)
register.filter("change_url", formatting.change_url)
register.filter("copyable", formatting.copyable)
register.filter("moment", formatting.moment)
register.filter("preformatted", formatting.preformatted)
register.filter("pretty_json", formatting.pretty_json)
register.filter("shortened", formatting.shortened)


@register.filter
def badge(text: object, kind: str = "neutral"):
    """A small coloured label."""
    return formatting.badge(text, kind)


@register.filter
def add_title(request: HttpRequest) -> str:
    """What the page is called if a new row is made on it."""
    match = request.resolver_match
    if match is None or not (match.url_name or "").endswith("_add"):
        return ""
    model_admin = getattr(match.func, "model_admin", None)
    return f"Add {model_admin.opts.verbose_name}" if model_admin else ""


@register.filter
def list_title(request: HttpRequest) -> str:
    """What the list is called that this page belongs to, if not by its rows."""
    view = request.resolver_match and request.resolver_match.func
    return getattr(getattr(view, "model_admin", None), "list_title", "")
