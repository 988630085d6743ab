"""A hub of contacts of whom one could doubt whether a condition means them."""

from datetime import UTC, date, datetime, timedelta

from activities.models import ActivityType
from consents.models import ConsentAgreement
from consents.texts import save_text
from contacts.models import Contact
from crosssite.models import TrackedSite
from groups.models import ContactGroup, Membership
from tests.automations.mails import add_event, make_email, make_template
from tests.factories import make_activity, make_activity_type, make_channel, make_consent

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
TEXTS = {
    "loans": "https://x/Loans/Home",
    "empty": "",
    "percent": "100%_\\d",
    "kelvin": "\N{KELVIN SIGN}ILO İ",
    "umlaut": "STRAẞE ÄÖ",
}
NUMBERS = {
    "5": "5",
    "5.0": "5.0",
    "-5": "-5",
    "spaces": " \t5 ",
    "5e3": "5e3",
    "5e-3": "5e-3",
    "5e+03": "5e+03",
    "comma": "5,000",
    "letters": "abc",
    "nothing": "",
    "plus": "+5",
    "point": ".5",
    "end point": "5.",
    "long exponent": "5e300",
    "infinity": "Infinity",
    "nan": "NaN",
    "hexadecimal": "0x5",
    "underscore": "5_000",
    "arabic": "\N{ARABIC-INDIC DIGIT FIVE}",
    "two lines": "5\n6",
    "digits": "9" * 200,
}


class Hub:
    """One hub, whose contacts have names in tests."""

    def __init__(self):
        self.named = {}
        self.channel = make_channel(code_name="app")
        self.other_channel = make_channel(code_name="other-app")
        website = make_channel(code_name="site", kind="website", domain="www.example.com")
        self.shop = TrackedSite.objects.create(
            name="Shop", code_name="shop", url="https://shop.example.com", channel=website
        )
        self.types = {type.code_name: type for type in ActivityType.objects.all()}
        for code_name in ("text", "number", "property", "loan", "brochure", "switched_off"):
            self.types[code_name] = make_activity_type(code_name)
        ActivityType.objects.filter(code_name="switched_off").update(enabled=False)

    def person(self, name, **fields):
        contact = Contact.objects.create(**{"created_at": ago(days=1000), **fields})
        self.named[contact.pk] = name
        return contact

    def did(self, contact, type="pagevisit", **fields):
        fields = {"channel": self.channel, "occurred_at": ago(days=1), "value": "", **fields}
        return make_activity(contact, type=self.types[type], **fields)


def ago(**how_long):
    return NOW - timedelta(**how_long)


def fill(hub):
    for name, text in TEXTS.items():
        contact = hub.person(f"text {name}", notes=text)
        hub.did(contact, "text", url=text, value=text, referrer=text, properties={"p": text})
    for name, text in NUMBERS.items():
        contact = hub.person(f"number {name}", zip=text[:100])
        hub.did(contact, "number", value=text, properties={"n": text})
    fill_with_properties(hub)
    fill_with_people(hub)
    fill_with_histories(hub)
    fill_with_answers(hub)
    fill_with_groups(hub)
    fill_with_emails(hub)


def fill_with_properties(hub):
    for name, properties in {
        "none at all": None,
        "absent": {"q": 1},
        "null": {"p": None},
        "number": {"p": 5000},
        "fraction": {"p": 0.5},
        "true": {"p": True},
        "nested": {"p": {"q": "inside"}},
        "dotted": {"p.q": "inside"},
        "list": ["p"],
        "long": {"p": "9" * 20_000},
        "long fraction": {"p": "0." + "9" * 20_000},
    }.items():
        hub.did(hub.person(f"property {name}"), "property", properties=properties)


def fill_with_people(hub):
    hub.person("from the USA", country="USA", state="CA")
    hub.person("from Austria", country="AUT")
    hub.person("born on 1 March 2000", birthday=date(2000, 3, 1))
    hub.person("born on 2 March 2000", birthday=date(2000, 3, 2))
    hub.person("born on 29 February 2000", birthday=date(2000, 2, 29))
    hub.person("born on 31 December 1999", birthday=date(1999, 12, 31))
    hub.person("created 30 days ago", created_at=ago(days=30))
    hub.person("created just within 30 days", created_at=ago(days=30) + MICROSECOND)


def fill_with_histories(hub):
    hub.did(hub.person("loan 30 days ago"), "loan", occurred_at=ago(days=30))
    hub.did(hub.person("loan within 30 days"), "loan", occurred_at=ago(days=30) + MICROSECOND)
    hub.did(hub.person("loan tomorrow"), "loan", occurred_at=ago(days=-1))
    both = hub.person("loan and brochure")
    hub.did(both, "loan", channel=hub.other_channel)
    hub.did(both, "brochure", tracked_site=hub.shop)
    twice = hub.person("loan twice")
    hub.did(twice, "loan")
    hub.did(twice, "loan", occurred_at=ago(days=29))
    hub.did(hub.person("switched off"), "switched_off")
    hub.did(hub.person("landed"), "landingpage", url="https://x/landing?a=1")
    hub.did(hub.person("entered data"), "datainput", value="Newsletter form")
    gone = hub.person("merged")
    hub.did(gone, "loan")
    Contact.objects.filter(pk=gone.pk).update(merged_into=both)


def fill_with_answers(hub):
    consent = make_consent("TrackingConsent", texts={"en": "<p>Old</p>", "de": "<p>Alt</p>"})
    old, german = (consent.texts.get(language=language) for language in ("en", "de"))
    for name, text in {"old": old, "german": german, "no text": None}.items():
        answer(hub.person(f"agreed to {name}"), consent, text)
    revoked = hub.person("revoked")
    answer(revoked, consent, old)
    answer(revoked, consent, old, agreed=False)
    new = save_text(consent, language="en", short_text="<p>New</p>")
    answer(hub.person("agreed to new"), consent, new)


def answer(contact, consent, text, *, agreed=True):
    ConsentAgreement.objects.create(contact=contact, consent=consent, text=text, agreed=agreed)


def fill_with_groups(hub):
    one, other = (
        ContactGroup.objects.create(name=name, code_name=name, static=True)
        for name in ("one", "other")
    )
    off = ContactGroup.objects.create(name="off", code_name="off", enabled=False)
    unbuilt = ContactGroup.objects.create(name="unbuilt", code_name="unbuilt")
    inside = {"in one": [one], "in both": [one, other], "in off": [off], "in unbuilt": [unbuilt]}
    for name, groups in inside.items():
        contact = hub.person(name)
        for group in groups:
            Membership.objects.create(group=group, contact=contact)


def fill_with_emails(hub):
    brochure, other = (make_template(code_name=name) for name in ("brochure", "other"))
    for name, template, kind, fields in [
        ("got it", brochure, "sent", {}),
        ("got it 30 days ago", brochure, "sent", {"at": ago(days=30)}),
        ("opened it", brochure, "opened", {}),
        ("whose program opened it", brochure, "opened", {"by_robot": True}),
        ("clicked", brochure, "clicked", {}),
        ("bounced", brochure, "bounced", {}),
        ("unsubscribed", brochure, "unsubscribed", {}),
        ("reported it as spam", brochure, "complained", {}),
        ("opened another", other, "opened", {}),
    ]:
        email = make_email(hub.person(name), template=template)
        add_event(email, kind, **{"at": ago(days=1), **fields})
