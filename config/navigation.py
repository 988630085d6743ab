"""The sidebar of the admin, and tabs above lists: what the apps add, in this order of groups."""

from django.http import HttpRequest

from adminsite.navigation import build_sidebar, build_tabs

_GROUPS = (
    *("", "People", "Automations", "Destinations", "Activity", "Consents", "Privacy"),
    "Settings",
)


def sidebar(request: HttpRequest) -> list[dict]:
    """The groups of the sidebar with what this user may see."""
    return build_sidebar(request, _GROUPS)


def tabs(request: HttpRequest) -> list[dict]:
    """Tabs above lists."""
    return build_tabs()
