"""The record of processing activities (Article 30), from what the hub is set to do."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Count, Q

from activities.models import ActivityType, PropertyRule
from adminsite.roles import all_roles
from automations.models import Automation
from channels.models import Channel
from consents.models import Consent
from contacts.models import Contact, ContactIdentifier
from contacts.profile import FIELDS
from destinations.models import Destination
from destinations.telling import fields_for
from groups.models import ContactGroup
from privacy.models import PrivacyProfile, RetentionRule
from privacy.retention.kept import everything_kept

# So many names are said, and how many more there are.
_SHOWN = 100
_DATA_OF_ALL = "Automations, groups and templates use what is listed here; they collect nothing."


@dataclass(frozen=True)
class Table:
    """Rows with heads, and a sentence for the case that there are none."""

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    empty: str = ""


@dataclass(frozen=True)
class Section:
    """A part of the record: what Article 30 asks for, and the hub's answer.

    :ivar given: what a user has written, paragraph by paragraph, under its heading
    """

    title: str
    article: str
    given: Sequence[tuple[str, str]] = ()
    says: Sequence[str] = ()
    tables: Sequence[tuple[str, Table]] = ()
    missing: Sequence[str] = ()


def profile() -> PrivacyProfile:
    """What the hub cannot know and a user has entered; nothing of it may be there yet."""
    return PrivacyProfile.objects.first() or PrivacyProfile()


def record() -> list[Section]:
    """The record as it is now; a constant number of queries."""
    given = profile()
    return [
        _who(given),
        _why(given),
        _of_whom(given),
        _to_whom(given),
        _for_how_long(),
        _how_safe(given),
    ]


def _who(given: PrivacyProfile) -> Section:
    return _section(
        given,
        "Controller",
        "30(1)(a)",
        ("controller", "representative", "officer"),
        ("controller",),
    )


def _section(
    given: PrivacyProfile,
    title: str,
    article: str,
    names: Iterable[str],
    needed: Iterable[str] = (),
    **more: object,
) -> Section:
    labels = {name: str(given._meta.get_field(name).verbose_name) for name in names}  # type: ignore[union-attr]
    return Section(
        title=title,
        article=article,
        given=[
            (label[:1].upper() + label[1:], text)
            for name, label in labels.items()
            if (text := getattr(given, name))
        ],
        missing=[labels[name] for name in needed if not getattr(given, name)],
        **more,  # type: ignore[arg-type]
    )


def _why(given: PrivacyProfile) -> Section:
    consents = [
        (
            one.name,
            one.code_name,
            "counts" if one.older_versions_count else "has to be given anew for a new text",
        )
        for one in Consent.objects.order_by("name", "pk")
    ]
    automations = [
        (one.name, "on" if one.enabled else "off")
        for one in Automation.objects.filter(archived_at=None).order_by("name", "pk")
    ]
    groups = [
        (one.name, one.description, "a list" if one.static else "a rule")
        for one in ContactGroup.objects.order_by("name", "pk")
    ]
    return _section(
        given,
        "Purposes of the processing",
        "30(1)(b)",
        ("purposes", "legal_bases"),
        ("purposes", "legal_bases"),
        says=[_DATA_OF_ALL],
        tables=[
            (
                "Consents",
                Table(
                    ("Purpose", "Code name", "An earlier agreement"),
                    consents,
                    "There is no consent.",
                ),
            ),
            ("Automations", Table(("Automation", "State"), automations, "There are none.")),
            ("Contact groups", Table(("Group", "What for", "Made by"), groups, "There are none.")),
        ],
    )


def _of_whom(given: PrivacyProfile) -> Section:
    fields = ", ".join(str(Contact._meta.get_field(name).verbose_name) for name in FIELDS)  # type: ignore[union-attr]
    kinds = ", ".join(kind.label for kind in ContactIdentifier.Kind)
    personal = _personal_properties()
    types = [
        (one.name, one.code_name, personal.get(one.pk, ""), "on" if one.enabled else "off")
        for one in ActivityType.objects.order_by("name", "pk")
    ]
    channels = [
        (
            one.name,
            one.get_kind_display(),
            one.domain,
            str(one.tracking_consent or "none is asked for"),
        )
        for one in Channel.objects.select_related("tracking_consent").order_by("name", "pk")
    ]
    return _section(
        given,
        "Persons and data",
        "30(1)(c)",
        ("persons",),
        ("persons",),
        says=[
            f"Of a contact: {fields}.",
            f"What other systems know a contact by: {kinds}.",
            "What a contact did, of the types below, with time, title, value, addresses of pages, "
            "and properties.",
            "Answers to consents, places in groups, emails that were sent, notes of colleagues.",
        ],
        tables=[
            (
                "Where it comes from",
                Table(
                    ("Channel", "Kind", "Domain", "Consent to tracking"), channels, "From nowhere."
                ),
            ),
            (
                "Activity types",
                Table(
                    ("Type", "Code name", "Personal properties", "State"), types, "There are none."
                ),
            ),
        ],
    )


def _personal_properties() -> dict[int, str]:
    found: dict[int, list[str]] = {}
    rules = PropertyRule.objects.filter(is_personal=True).order_by("name")
    for type_id, name in rules.values_list("activity_type", "name"):
        found.setdefault(type_id, []).append(name)
    return {type_id: some(names) for type_id, names in found.items()}


def _to_whom(given: PrivacyProfile) -> Section:
    rows = [
        (
            one.name,
            one.get_type_display(),
            urlsplit(one.url).netloc.rpartition("@")[2],
            _what_goes(one),
            _fields_of(one),
            str(one.consent or "none is asked for"),
            _state_of(one),
        )
        for one in Destination.objects.select_related("consent").order_by("name", "pk")
    ]
    heads = ("Recipient", "Kind", "Where", "What", "Fields of contacts", "Consent", "State")
    return _section(
        given,
        "Recipients, and third countries",
        "30(1)(d), (e)",
        ("recipients", "transfers"),
        ("recipients", "transfers"),
        tables=[("Destinations", Table(heads, rows, "The hub sends nothing to other systems."))],
    )


def _what_goes(destination: Destination) -> str:
    parts = [
        ("activities", destination.activities),
        ("entries and exits of groups", destination.groups),
        ("answers to consents", destination.consents),
    ]
    said = [f"{what}: {some(names)}" for what, names in parts if names]
    if destination.changes:
        said.append("changes of contacts")
    return "; ".join(said) or "what automations send"


def _fields_of(destination: Destination) -> str:
    email = {
        Destination.Email.PLAIN: ["email"],
        Destination.Email.SHA256: ["hash of the email"],
        Destination.Email.NONE: [],
    }[Destination.Email(destination.email)]
    return ", ".join(["GUID", *email, *fields_for(destination)])


def _state_of(destination: Destination) -> str:
    if not destination.enabled:
        return "off"
    if destination.paused_at is not None:
        return "paused"
    return "dry: nothing goes out" if destination.dry else "on"


def _for_how_long() -> Section:
    rules = [
        (str(one), "on" if one.enabled else "off")
        for one in RetentionRule.objects.select_related("activity_type").order_by("pk")
    ]
    kept = [
        (one.what, one.where or "no page", one.says.replace("`", "")) for one in everything_kept()
    ]
    return Section(
        title="Time limits for erasure",
        article="30(1)(f)",
        tables=[
            (
                "Rules",
                Table(
                    ("Rule", "State"),
                    rules,
                    "There is no rule: activities and contacts are kept until they are erased.",
                ),
            ),
            ("Everything that is kept", Table(("What", "Where", "How long"), kept)),
        ],
    )


def _how_safe(given: PrivacyProfile) -> Section:
    active = User.objects.filter(is_active=True, is_staff=True)
    counts = dict(active.values_list("groups__name").annotate(Count("pk")))
    roles = [(one.name, one.may, str(counts.get(one.name, 0))) for one in all_roles()]
    with_factor = Authenticator.objects.filter(
        ~Q(type=Authenticator.Type.RECOVERY_CODES), user__in=active
    )
    users = active.count()
    protected = with_factor.values("user").distinct().count()
    says = [
        f"{protected} of {users} users of the admin have a second factor or a passkey.",
        "Users without a right to see contacts see no names, emails or properties that are marked "
        "as personal.",
        "Every change that a user makes is in an audit log that the database refuses to edit.",
        "Passwords are kept as slow salted hashes, API keys as hashes; credentials of destinations "
        "and second factors are encrypted.",
        "Emails, names and keys stand in no log file.",
    ]
    if settings.PRODUCTION:
        says.append(
            "Browsers are told to use HTTPS only."
            if settings.SECURE_HSTS_SECONDS
            else "Cookies of the admin go over HTTPS only."
        )
    else:
        says.append("This hub does not run in production: HTTPS is not required.")
    return _section(
        given,
        "Security measures",
        "30(1)(g), 32",
        ("security",),
        says=says,
        tables=[("Roles", Table(("Role", "May", "Users"), roles))],
    )


def some(names: Sequence[str]) -> str:
    """These names, the first hundred of them."""
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more:,} more" if more > 0 else "")
