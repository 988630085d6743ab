"""Ready mappings for exports of other systems, which are known by the names of their columns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from exchange.importing.mailchimp import STATUS
from exchange.importing.names import plain

type Target = str | dict[str, Any]


@dataclass(frozen=True)
class System:
    """Another system: how its files are known, and what their columns are for.

    :ivar said: what a user is told about the columns that stay out
    """

    name: str
    label: str
    is_from: Callable[[set[str]], bool]
    columns: dict[str, Target]
    said: str


_TIME = "agreed_at"
_TAGS = {"field": "tags", "separator": ","}

MAILCHIMP = System(
    name="mailchimp",
    label="Mailchimp",
    is_from=lambda names: {"optintime", "memberrating"} <= names or plain(STATUS) in names,
    columns={
        STATUS: "email_status",
        "Email Address": "email",
        "First Name": "first_name",
        "Last Name": "last_name",
        "Phone Number": "mobile_phone",
        "Company": "company_name",
        "CONFIRM_TIME": _TIME,
        "CONFIRM_IP": "agreed_ip",
        "NOTES": "notes",
        "TAGS": _TAGS,
    },
    said="Who has unsubscribed, and whose address does not exist, comes first: they become "
    "suppressed addresses, and agree to nothing. Times and addresses of opt-ins become proof. "
    "Birthdays of Mailchimp have no year, and its ratings are its own: they stay out.",
)
ACTIVECAMPAIGN = System(
    name="activecampaign",
    label="ActiveCampaign",
    is_from=lambda names: (
        {"email", "tags"} <= names
        and bool(names & {"contactid", "lists", "datecreated", "dateadded", "cdate", "udate"})
        and "recordid" not in names
    ),
    columns={
        "Email": "email",
        "First Name": "first_name",
        "Last Name": "last_name",
        "Phone": "mobile_phone",
        "Organization": "company_name",
        "Account": "company_name",
        "Account Name": "company_name",
        "Job Title": "job_title",
        "Tags": _TAGS,
    },
    said="Lists of ActiveCampaign stay out, unless you choose contact groups for them: say below "
    "to which consent everybody has agreed. Of its custom fields, those that the hub has are "
    "proposed; choose for the others, or leave them out.",
)
HUBSPOT = System(
    name="hubspot",
    label="HubSpot",
    is_from=lambda names: "recordid" in names and "email" in names,
    columns={
        "Email": "email",
        "First Name": "first_name",
        "Last Name": "last_name",
        "Phone Number": "business_phone",
        "Mobile Phone Number": "mobile_phone",
        "Company Name": "company_name",
        "Associated Company": "company_name",
        "Job Title": "job_title",
        "Street Address": "address1",
        "City": "city",
        "Postal Code": "zip",
        "Country/Region": "country",
        "State/Region": "state",
        "Date of birth": "birthday",
        "Unsubscribed from all email": "email_status",
        "Tags": {"field": "tags", "separator": ";"},
    },
    said="Who is unsubscribed from all email becomes a suppressed address. Record IDs, owners and "
    "stages are HubSpot's own: they stay out. Columns with several values have them with “;”.",
)
_SYSTEMS = (MAILCHIMP, HUBSPOT, ACTIVECAMPAIGN)
# Of several columns that mean the same, the first that the file has; Mailchimp fills the time of
# the confirmation also where nobody had to confirm.
_INSTEAD: dict[str, dict[str, tuple[str, Target]]] = {
    "mailchimp": {"OPTIN_TIME": ("CONFIRM_TIME", _TIME), "OPTIN_IP": ("CONFIRM_IP", "agreed_ip")}
}


def find_system(headers: Sequence[str]) -> System | None:
    """The system that a file with these columns is from, if it is a known one."""
    names = {plain(header) for header in headers}
    return next((system for system in _SYSTEMS if system.is_from(names)), None)


def targets_of(system: System, headers: Sequence[str]) -> dict[str, Target]:
    """What the system's own columns among `headers` are for; each target once."""
    wanted = {plain(name): target for name, target in system.columns.items()}
    given = {plain(header): header for header in headers}
    for name, (instead, target) in _INSTEAD.get(system.name, {}).items():
        if plain(instead) not in given:
            wanted[plain(name)] = target
    found: dict[str, Target] = {}
    taken: set[str] = set()
    for name, target in wanted.items():
        field = target if isinstance(target, str) else target["field"]
        if name in given and field not in taken:
            found[given[name]] = target
            taken.add(field)
    return found
