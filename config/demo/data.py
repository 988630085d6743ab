"""What the demo is about: Alder Bank, which does not exist, and the people who are its contacts."""

import csv
from pathlib import Path
from typing import NamedTuple

APP = "mobile-app"
SITE = "main-site"
SITE_HOST = "main.localhost"

WEB = "https://www.alderbank.example"
SCREENS = "app://alderbank"

CHANNEL_NAMES = {APP: "Alder Bank app", SITE: "Alder Bank website"}
# The names of a key that was rotated, and of the one in its place.
ROTATED_KEY = ("iOS app before version 4", "iOS app, version 4")

HOMES = "alder-homes"
MAGAZINE = "alder-magazine"


class DemoSite(NamedTuple):
    """A website of the bank on another domain."""

    name: str
    host: str
    description: str


# By code name.
TRACKED_SITES = {
    HOMES: DemoSite(
        name="Alder Homes",
        host="homes.localhost",
        description="The bank's marketplace for houses and flats, run by another team.",
    ),
    MAGAZINE: DemoSite(
        name="Alder Magazine",
        host="magazine.localhost",
        description="Stories about money and homes; made by an agency, on a server of its own.",
    ),
}

TRACKING = "TrackingConsent"
NEWSLETTER = "NewsletterConsent"

# Code name -> name, then by language: the short text and the full text.
CONSENTS = {
    TRACKING: (
        "Tracking consent",
        {
            "en": (
                "<p>May we remember which pages you visit and what you do here, so that we can "
                "show you offers that fit? You can change your mind at any time.</p>",
                "<h3>Tracking</h3>"
                "<p>If you agree, Alder Bank stores which pages and screens you open, which "
                "buttons you press and what you enter into our calculators, together with your "
                "contact details once you give them to us.</p>"
                "<ul><li><strong>Why:</strong> to show you offers that fit, and to improve our "
                "website and our app.</li>"
                "<li><strong>How long:</strong> 24 months after your last visit.</li>"
                "<li><strong>Who sees it:</strong> our marketing team, and nobody outside the "
                "bank.</li></ul>"
                '<p>You can revoke your consent in the app or on our <a href="https://www.'
                'alderbank.example/privacy">privacy page</a>. What we did until then stays '
                "lawful.</p>",
            ),
            "de": (
                "<p>Dürfen wir uns merken, welche Seiten Sie besuchen und was Sie hier tun, damit "
                "wir Ihnen passende Angebote zeigen können? Sie können Ihre Entscheidung "
                "jederzeit ändern.</p>",
                "<h3>Nachverfolgung</h3>"
                "<p>Wenn Sie zustimmen, speichert die Alder Bank, welche Seiten und Ansichten Sie "
                "öffnen, welche Schaltflächen Sie drücken und was Sie in unsere Rechner eingeben, "
                "zusammen mit Ihren Kontaktdaten, sobald Sie uns diese nennen.</p>"
                "<ul><li><strong>Wozu:</strong> um Ihnen passende Angebote zu zeigen und um "
                "Website und App zu verbessern.</li>"
                "<li><strong>Wie lange:</strong> 24 Monate nach Ihrem letzten Besuch.</li>"
                "<li><strong>Wer es sieht:</strong> unser Marketing und niemand außerhalb der "
                "Bank.</li></ul>"
                '<p>Sie können Ihre Einwilligung in der App oder auf unserer <a href="https://www.'
                'alderbank.example/privacy">Datenschutzseite</a> widerrufen. Was bis dahin '
                "geschah, bleibt rechtmäßig.</p>",
            ),
        },
    ),
    NEWSLETTER: (
        "Newsletter consent",
        {
            "en": (
                "<p>Yes, send me the Alder Bank newsletter about once a month.</p>",
                "<p>We use your email address and your name for the newsletter, and we note "
                "whether you follow its links. Every issue has a link to unsubscribe.</p>",
            ),
            "de": (
                "<p>Ja, senden Sie mir etwa einmal im Monat den Newsletter der Alder Bank.</p>",
                "<p>Wir verwenden Ihre E-Mail-Adresse und Ihren Namen für den Newsletter und "
                "halten fest, ob Sie seinen Links folgen. Jede Ausgabe enthält einen Link zum "
                "Abbestellen.</p>",
            ),
        },
    ),
}

LOAN_INTEREST = "loan-interest"
NEWSLETTER_READERS = "newsletter"

LOAN_CALCULATOR = "custom_loan_calculator"
BROCHURE = "custom_brochure_download"
APPOINTMENT = "custom_appointment_booked"
ACCOUNT = "custom_account_opened"
CARD = "custom_card_ordered"
SURVEY = "custom_branch_survey"

# Code name -> name, description, enabled.
ACTIVITY_TYPES = {
    LOAN_CALCULATOR: (
        "Loan calculator usage",
        "A contact ran the loan calculator on the website or in the app. The value is the amount "
        "of the loan; the properties have its months and its interest rate.",
        True,
    ),
    BROCHURE: (
        "Brochure download",
        "A contact downloaded a brochure. The value is its name.",
        True,
    ),
    APPOINTMENT: (
        "Appointment booked",
        "A contact booked a meeting with an adviser. The value is the topic; the properties have "
        "the branch and the day.",
        True,
    ),
    ACCOUNT: (
        "Account opened",
        "A contact opened an account and confirmed it. The value is the product.",
        True,
    ),
    CARD: (
        "Card ordered",
        "A contact ordered a credit or debit card. The value is the card; the properties have its "
        "yearly fee.",
        True,
    ),
    SURVEY: (
        "Branch survey",
        "The tablets in our branches asked how the visit was. The survey is over, so the type is "
        "disabled.",
        False,
    ),
}

# What the bank wants to come of it all.
GOALS = (APPOINTMENT, ACCOUNT, CARD)


class DemoGroup(NamedTuple):
    """A contact group: static without a rule."""

    name: str
    description: str
    rule: dict[str, object] | None = None
    visible_to_websites: bool = False


# By code name.
GROUPS = {
    LOAN_INTEREST: DemoGroup(
        name="Interested in a loan",
        description="Looked at loans lately and has done the sums. The bank's website and Alder "
        "Homes greet these visitors differently.",
        rule={
            "match": "all",
            "conditions": [
                {
                    "type": "activity",
                    "activities": ["pagevisit"],
                    "days": 30,
                    "url": {"operator": "contains", "value": "/loans"},
                },
                {
                    "type": "activity",
                    "activities": [LOAN_CALCULATOR],
                    "at_least": 2,
                    "value": {"operator": ">=", "value": 5000},
                },
                {"type": "consent", "consent": TRACKING},
                {"type": "country", "values": ["USA"], "negate": True},
            ],
        },
        visible_to_websites=True,
    ),
    NEWSLETTER_READERS: DemoGroup(
        name="Newsletter",
        description="Who gets the monthly newsletter. The list is kept by hand.",
    ),
}

FILE_REQUEST = "file download request"


class Brochure(NamedTuple):
    """A file that visitors of the bank's website may ask for."""

    title: str
    summary: str
    tips: tuple[str, ...]


# By the last part of their address.
BROCHURES = {
    "first-home": Brochure(
        title="Buying your first home",
        summary="What to ask yourself, the seller and the bank, in this order.",
        tips=(
            "Count what you can pay each month before you look at houses.",
            "Look at a house twice: on a dry day, and on a wet one.",
            "Keep a tenth of the price for everything that is not the house.",
        ),
    ),
    "saving-for-children": Brochure(
        title="Saving for children",
        summary="Small sums, many years, and what becomes of them.",
        tips=(
            "Begin early: the years do more than the sums.",
            "Save in the name of the child only what you will not need back.",
            "Let them see the account grow. That is half of it.",
        ),
    ),
    "saving-on-heating": Brochure(
        title="Saving on heating",
        summary="Which renovations pay for themselves, and how soon.",
        tips=(
            "Insulate the roof first. It costs least and saves most.",
            "Ask for grants before you sign: afterwards is too late.",
            "Turn the heating down by one degree. That is six per cent.",
        ),
    ),
}


BROCHURES_PATH = "/brochures/"


def brochure_path(name: str) -> str:
    """Where the main site has the brochure `name`."""
    return f"{BROCHURES_PATH}{name}/"


# The destination that plays another system of the bank, and what goes to it.
CRM = "crm"
CRM_ACTIVITIES = ("purchase", LOAN_CALCULATOR, APPOINTMENT, FILE_REQUEST)
CRM_FIELDS = ("first_name", "last_name", "city", "country")


class Person(NamedTuple):
    """A person who tells the bank who they are."""

    first_name: str
    last_name: str
    email: str
    country: str
    state: str
    city: str
    zip: str
    address: str
    phone: str
    company: str
    job: str
    birthday: str

    @property
    def language(self) -> str:
        return "de" if self.country in ("AUT", "CHE", "DEU") else "en"

    def fields(self, *names: str) -> dict[str, str]:
        """What this person enters into a form: the contact fields `names`, as they are sent."""
        return {f"Contact{name}": getattr(self, _ATTRIBUTES[name]) for name in names}


_ATTRIBUTES = {
    "Email": "email",
    "FirstName": "first_name",
    "LastName": "last_name",
    "Birthday": "birthday",
    "MobilePhone": "phone",
    "CompanyName": "company",
    "JobTitle": "job",
    "Address1": "address",
    "City": "city",
    "ZIP": "zip",
    "Country": "country",
    "State": "state",
}


# What users have noted about whom, and the tags that they gave.
WRITTEN = (
    ("Vogel", "Called about the fixed rate. Wants a second talk after the holidays.", ("VIP",)),
    ("Evans", "Met at the trade fair; interested in a card for the company.", ("Trade fair",)),
    ("Brooks", "Prefers to be called in the afternoon.", ("VIP", "Trade fair")),
)

# Who asks what about their data: kind, way, how many days ago, and what they wrote in short.
REQUESTS = (
    ("Moreau", "erasure", "letter", 26, "Has closed the account, and wants nothing to be kept."),
    ("Larsen", "access", "email", 9, "Wants to know what the calculators on the website keep."),
)


def read_people() -> dict[str, Person]:
    """All people of people.csv, by last name."""
    with Path(__file__).with_name("people.csv").open(encoding="utf-8", newline="") as file:
        return {row["last_name"]: Person(**row) for row in csv.DictReader(file)}
