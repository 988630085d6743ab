"""Which document is about what: the order of the help, and the help for each page."""

from collections.abc import Sequence

from django.http import HttpRequest
from django.urls import reverse

ORDER: Sequence[tuple[str, Sequence[str]]] = (
    ("For everybody", ("desk", "lists")),
    ("For marketers", ("groups", "automations", "email", "import-export")),
    (
        "For developers",
        (
            "tracking-api",
            "website-tracking",
            "activecampaign",
            "commanders-act",
            "read-api",
            "event-specification",
            "destinations",
        ),
    ),
    ("For data-protection officers", ("privacy",)),
    ("For operators", ("operations", "configuration", "performance", "architecture")),
)
# By the model of a page, else by its app.
_TOPICS = {
    "activities": "desk.md#activities",
    "activities.activitytype": "event-specification.md",
    "activities.rejectedactivity": "desk.md#what-was-refused",
    "adminsite": "desk.md#users-and-roles",
    "auth": "desk.md#users-and-roles",
    "usersessions": "desk.md#users-and-roles",
    "automations": "automations.md",
    "automations.email": "email.md#who-gets-an-email",
    "automations.suppression": "email.md#bounces-and-complaints",
    "automations.template": "email.md",
    "channels": "tracking-api.md",
    "consents": "desk.md#consents",
    "contacts": "desk.md#contacts",
    "contacts.contactmerge": "desk.md#merging",
    "crosssite": "website-tracking.md",
    "destinations": "destinations.md",
    "exchange": "import-export.md",
    "exchange.export": "import-export.md#exporting",
    "groups": "groups.md",
    "jobs": "operations.md",
    "jobs.bulkaction": "lists.md#with-all-that-were-found",
    "privacy": "privacy.md",
    "privacy.personrequest": "privacy.md#requests-of-persons",
    "privacy.certificate": "privacy.md#certificates-and-backups-that-are-restored",
    "privacy.accessfile": "privacy.md#access-and-portability",
    "privacy.keptagreement": "privacy.md#proof-of-consent",
    "privacy.dictionaryentry": "privacy.md#generated-pages",
    "privacy.retentionrule": "privacy.md#retention",
    "privacy.retentionrun": "privacy.md#retention",
    "readers": "operations.md",
    "tracking": "commanders-act.md",
}


def topic_of(label: str) -> str:
    """The document about a model, such as `contacts.contact`, with the heading; "" if none is."""
    return _TOPICS.get(label) or _TOPICS.get(label.split(".")[0], "")


def help_url(request: HttpRequest) -> str:
    """The address of the help for a page of the admin: of the document, else of all of them."""
    found = request.resolver_match
    opts = getattr(getattr(found and found.func, "model_admin", None), "opts", None)
    path, _, anchor = (topic_of(opts.label_lower) if opts else "").partition("#")
    if not path:
        return reverse("help")
    return reverse("help-page", args=[path]) + (f"#{anchor}" if anchor else "")
