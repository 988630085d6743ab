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
        "Somebody ran the loan calculator on the website or in the app. The value is the amount "
        "of the loan; the properties have its months and its interest rate.",
        True,
    ),
    BROCHURE: (
        "Brochure download",
        "Somebody downloaded a brochure. The value is its name.",
        True,
    ),
    APPOINTMENT: (
        "Appointment booked",
        "Somebody booked a meeting with an adviser. The value is the topic; the properties have "
        "the branch and the day.",
        True,
    ),
    ACCOUNT: (
        "Account opened",
        "Somebody opened an account and confirmed it. The value is the product.",
        True,
    ),
    CARD: (
        "Card ordered",
        "Somebody ordered a credit or debit card. The value is the card; the properties have its "
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


class Person(NamedTuple):
    """Somebody who tells the bank who they are."""

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


def read_people() -> dict[str, Person]:
    """Everybody in people.csv, by last name."""
    with Path(__file__).with_name("people.csv").open(encoding="utf-8", newline="") as file:
        return {row["last_name"]: Person(**row) for row in csv.DictReader(file)}
