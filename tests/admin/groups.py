"""Contact groups for tests of their pages."""

import json

from django.urls import reverse
from django.utils import timezone

from groups.models import ContactGroup, Membership
from groups.saving import save_group

LIST_URL = "/admin/groups/contactgroup/"
ADD_URL = f"{LIST_URL}add/"
PREVIEW_URL = f"{LIST_URL}preview/"
FROM_USA = {"type": "country", "values": ["USA"]}


def rule(*conditions, match="all"):
    return {"match": match, "conditions": list(conditions)}


def in_groups(*code_names):
    return {"type": "group", "groups": list(code_names)}


def make_group(code_name="loans", *, members=(), **fields):
    group = ContactGroup(**{"code_name": code_name, "name": code_name.title(), **fields})
    save_group(group)
    if not group.static and group.enabled:
        ContactGroup.objects.filter(pk=group.pk).update(
            built_version=group.version, built_at=timezone.now(), served_rule=group.rule
        )
        group.builds.all().delete()
        group.refresh_from_db()
    for contact in members:
        Membership.objects.create(group=group, contact=contact)
    return group


def posted(**fields):
    given = {"name": "Loans", "code_name": "loans", "enabled": "on", **fields}
    if isinstance(given.get("rule"), dict):
        given["rule"] = json.dumps(given["rule"])
    return given


def ask(client, given, **more):
    return client.post(PREVIEW_URL, {"rule": given, **more}, content_type="application/json")


def nested(depth):
    found = FROM_USA
    for _ in range(depth):
        found = rule(found)
    return found


def activity(**members):
    return {"type": "activity", "activities": ["pagevisit"], **members}


def field(**members):
    return {"type": "field", "field": "city", "operator": "equals", "value": "Wien", **members}


BAD_RULES = [
    ("nine deep", nested(9), ".".join(["conditions[0]"] * 8)),
    ("101 conditions", rule(*[FROM_USA] * 101), ""),
    ("a field that is none", rule(field(field="shoe_size")), "conditions[0].field"),
    ("a type that is none", rule({"type": "moon"}), "conditions[0].type"),
    ("an operator that is none", rule(field(operator="~")), "conditions[0].operator"),
    ("a number operator on text", rule(field(operator=">=")), "conditions[0].operator"),
    ("no days", rule(activity(days=0)), "conditions[0].days"),
    ("negative days", rule(FROM_USA, activity(days=-1)), "conditions[1].days"),
    ("very many days", rule(activity(days=10**9)), "conditions[0].days"),
    ("itself", rule(in_groups("loans")), ""),
    ("an unfinished condition", rule({"type": ""}), "conditions[0].type"),
    ("a list", [], ""),
    ("a text", "everybody", ""),
    ("none", None, ""),
]


def downloaded(client, group):
    response = client.get(reverse("admin:groups_contactgroup_download", args=[group.pk]))
    return b"".join(response.streaming_content).decode()
