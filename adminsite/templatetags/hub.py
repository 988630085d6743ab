"""The formatting functions of `adminsite.formatting`, for templates."""

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
