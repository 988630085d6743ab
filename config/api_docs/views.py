"""The page `/api/docs/`."""

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from config.api_docs.operations import read_sections

# What readers enter once, and examples and try-outs use: names, labels, and where to find them.
_VALUES = (
    ("key", "API key", "“API keys” in the admin, of the access type that an operation names"),
    ("channel", "Channel identifier", "“Settings, Tracking” in the admin"),
    ("contact", "GUID of a contact", "the answer to createContact"),
    ("actid", "Account ID (actid)", "for the ActiveCampaign format"),
    ("event_key", "Event key", "for the ActiveCampaign format"),
    ("site_id", "Site ID (tc_s)", "for the Commanders Act format"),
    ("source_key", "Source key (token)", "for the Commanders Act format"),
)
_SECRETS = frozenset({"key", "event_key", "source_key"})


@require_safe
def api_docs(request: HttpRequest) -> HttpResponse:
    """What the APIs of the hub take and answer, with examples, and a way to try them."""
    context = {
        "hub": request.build_absolute_uri("/").rstrip("/"),
        "sections": read_sections(),
        "values": [
            {"name": name, "label": label, "where": where, "is_secret": name in _SECRETS}
            for name, label, where in _VALUES
        ],
    }
    return TemplateResponse(request, "api_docs/page.html", context)
