"""The fields of a destination for users who may look and not change: no secret is among them."""

from adminsite.columns import Column
from contacts.profile import FIELDS
from destinations.models import Destination
from groups.rules import InvalidRule, parse
from groups.sentences import sentence


def kind(destination: Destination) -> str:
    """What kind of system it is."""
    return destination.get_type_display()


def activity_types(destination: Destination) -> str:
    return ", ".join(destination.activities)


def groups(destination: Destination) -> str:
    """The groups whose entries and exits go out."""
    return ", ".join(destination.groups)


def consents(destination: Destination) -> str:
    """The consents whose answers go out."""
    return ", ".join(destination.consents)


def rule(destination: Destination) -> str:
    """The rule as a sentence."""
    if destination.rule is None:
        return ""
    try:
        return sentence(parse(destination.rule))
    except InvalidRule as error:
        return str(error)


def fields(destination: Destination) -> str:
    """The fields of contacts that go out."""
    if destination.fields is None:
        return "All fields that a contact has"
    return ", ".join(name for name in FIELDS if name in destination.fields)


def header_names(destination: Destination) -> str:
    """The headers without their values, which may be credentials."""
    return ", ".join(destination.headers or {})


def mapping(destination: Destination) -> str:
    """What stands where in the body."""
    rows = destination.mapping or []
    return "; ".join(f"{row['to']} is {row.get('from', row.get('value'))}" for row in rows)


def email(destination: Destination) -> str:
    """How the email goes out."""
    return destination.get_email_display()


FIELDSETS: list = [
    (None, {"fields": ("name", "code_name", Column(kind), "enabled", "dry")}),
    (
        "Where it goes",
        {"fields": (Column("url", "Address"), Column("method"), Column(header_names, "Headers"))},
    ),
    (
        "What goes out",
        {
            "fields": (
                Column(activity_types, "Activities of these types"),
                Column(groups, "Who enters or leaves these groups"),
                Column(consents, "Answers to these consents"),
                "changes",
                Column(rule, "Only contacts who meet this rule", empty="All contacts"),
            )
        },
    ),
    (
        "About whom, and how much of them",
        {
            "fields": (
                Column("consent", empty="None: nobody is asked"),
                Column(email),
                Column(fields, "Fields of contacts"),
            )
        },
    ),
    (
        "What a message looks like",
        {"fields": (Column(mapping, empty="As the hub has it"),)},
    ),
]
