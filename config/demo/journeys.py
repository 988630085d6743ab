"""What the people of the demo do over 60 days: who comes when, through which channel, and why."""

from collections.abc import Callable
from datetime import datetime, time, timedelta
from random import Random
from typing import NamedTuple
from uuid import NAMESPACE_URL, UUID, uuid5

from config.demo.data import (
    ACCOUNT,
    APP,
    APPOINTMENT,
    BROCHURE,
    CARD,
    LOAN_CALCULATOR,
    NEWSLETTER,
    SCREENS,
    SITE,
    SURVEY,
    TRACKING,
    WEB,
    Person,
    read_people,
)

DAYS = 60

_SEED = 1960
_SEARCH = ("https://www.google.com/", "https://www.bing.com/", "https://duckduckgo.com/")
_HOMES = "https://homes.alderbank.example/flats"
_ISSUE = "https://newsletter.alderbank.example/"
_NEWS = "https://news.example.org/money/"
_PATHS = {
    "Home": "/",
    "Loans": "/loans",
    "Loan calculator": "/loans/calculator",
    "Loan request": "/loans/request",
    "Mortgages": "/mortgages",
    "Savings": "/savings",
    "Cards": "/cards",
    "Current accounts": "/accounts",
    "Branches": "/branches",
    "Contact": "/contact",
    "Magazine": "/magazine",
    "Five ways to save on heating": "/magazine/heating",
    "What a fixed rate really fixes": "/magazine/fixed-rates",
    "Your first flat, step by step": "/magazine/first-flat",
    "Travelling without fees": "/magazine/travelling",
}
_ARTICLES = tuple(name for name, path in _PATHS.items() if path.startswith("/magazine/"))
_LETTER = ("Email", "FirstName", "LastName", "Address1", "City", "ZIP", "Country", "State")
_FULL = (*_LETTER, "MobilePhone", "Birthday", "CompanyName", "JobTitle")


class Act(NamedTuple):
    """One activity as it goes over the wire, and the code it is to be refused with, if it is."""

    wire: dict
    refused_with: str = ""


class Answer(NamedTuple):
    """A person agrees to a consent or revokes it."""

    at: datetime
    who: str
    channel: str
    consent: str
    agreed: bool
    language: str


class Visit(NamedTuple):
    """A person does a few things, one after the other, which are reported in one request."""

    at: datetime
    who: str
    channel: str
    acts: tuple[Act, ...]


class Story:
    """Collects what happens. The same `now` always makes the same story."""

    def __init__(self, now: datetime):
        self.now = now
        self.random = Random(_SEED)  # noqa: S311 -- a story, no secret
        self.people = read_people()
        self.steps: list[Answer | Visit] = []

    def on(self, days_ago: int) -> datetime:
        """A moment of the day `days_ago` days before today; never today itself."""
        day = (self.now - timedelta(days=max(days_ago, 1))).date()
        seconds = self.random.randrange(7 * 3600, 22 * 3600)
        return datetime.combine(day, time(), self.now.tzinfo) + timedelta(seconds=seconds)

    def answers(
        self, who: str, at: datetime, *, agreed: bool = True, consent=TRACKING, channel=SITE
    ) -> None:
        language = self.people[who].language if who in self.people else "en"
        self.steps.append(Answer(at, who, channel, consent, agreed, language))

    def visits(self, who: str, at: datetime, *acts: Act, channel: str = SITE) -> None:
        """Let `who` do `acts`, starting at `at`, with some time between them."""
        moment, timed = at, []
        for act in acts:
            moment += timedelta(seconds=self.random.randint(4, 90))
            timed.append(act._replace(wire={**act.wire, "timestamp": moment.isoformat()}))
        self.steps.append(Visit(at, who, channel, tuple(timed)))

    def opens_app(self, who: str, at: datetime, *acts: Act) -> None:
        """The same in the app, which gives its activities ids so that it may send them again."""
        ids = (UUID(int=self.random.getrandbits(128), version=4) for _ in acts)
        with_ids = [act._replace(wire={**act.wire, "id": str(next(ids))}) for act in acts]
        self.visits(who, at, *with_ids, channel=APP)

    def calculations(self, how_many: int, *amounts: int) -> list[Act]:
        """A person tries the loan calculator with a few amounts."""
        return [
            custom(
                LOAN_CALCULATOR,
                str(self.random.choice(amounts or (3000, 5000, 7500, 10000, 15000, 20000))),
                months=self.random.choice((24, 36, 48, 60, 84)),
                rate=self.random.choice((3.9, 4.4, 4.9, 5.6)),
            )
            for _ in range(how_many)
        ]


def guid_of(who: str) -> UUID:
    """The GUID of a contact of the demo: the same in every hub."""
    return uuid5(NAMESPACE_URL, f"https://www.alderbank.example/contacts/{who}")


def page(name: str, referrer: str = "", campaign: str = "") -> Act:
    query = f"?utm_source=newsletter&utm_campaign={campaign}" if campaign else ""
    wire = {"type": "pagevisit", "value": name, "url": WEB + _PATHS[name] + query}
    return Act({**wire, "referrer": referrer} if referrer else wire)


def screen(name: str) -> Act:
    return Act(
        {"type": "pagevisit", "value": name, "url": f"{SCREENS}/{name.lower().replace(' ', '-')}"}
    )


def click(label: str) -> Act:
    return Act({"type": "click", "value": label})


def form(name: str, fields: dict[str, str]) -> Act:
    return Act({"type": "datainput", "value": name, "contactFields": fields})


def custom(type_name: str, value: str, **properties) -> Act:
    wire: dict = {"type": type_name, "value": value}
    return Act({**wire, "properties": properties} if properties else wire)


# Journeys: what one person does. `days` is how many days ago it begins.


def borrows(story: Story, person: Person, days: int) -> None:
    """Looks at loans, comes back to calculate, and asks for one."""
    who, first = person.last_name, story.on(days)
    story.answers(who, first)
    story.visits(
        who,
        first,
        page("Home", story.random.choice(_SEARCH)),
        page("Loans"),
        page("Loan calculator"),
        *story.calculations(story.random.randint(1, 3)),
    )
    days -= story.random.randint(1, 4)
    story.visits(who, story.on(days), page("Loan calculator"), *story.calculations(2))
    days -= story.random.randint(1, 4)
    story.visits(
        who,
        story.on(days),
        page("Loans"),
        page("Loan request"),
        form("Loan request", person.fields(*_LETTER, "MobilePhone", "JobTitle")),
        click("Send request"),
    )
    days -= story.random.randint(1, 3)
    story.visits(
        who,
        story.on(days),
        page("Branches"),
        custom(APPOINTMENT, "Loans", branch=person.city, weekday=story.random.choice(_WEEKDAYS)),
    )


def reads(story: Story, person: Person, days: int) -> None:
    """Finds the magazine, orders the newsletter and follows its links."""
    who, first = person.last_name, story.on(days)
    article = story.random.choice(_ARTICLES)
    story.answers(who, first)
    story.visits(
        who,
        first,
        page(article, story.random.choice(_SEARCH)),
        page("Magazine"),
        form("Newsletter sign-up", person.fields("Email", "FirstName", "LastName", "Country")),
    )
    story.answers(who, first + timedelta(minutes=10), consent=NEWSLETTER)
    for days_ago in range(days - 5, 0, -9):
        acts = [page(story.random.choice(_ARTICLES), _ISSUE, f"issue-{days_ago // 30 + 1}")]
        if story.random.random() < 0.5:
            acts.append(page(story.random.choice(("Savings", "Cards", "Loans", "Mortgages"))))
        story.visits(who, story.on(days_ago), *acts)


def unsubscribes(story: Story, person: Person, days: int) -> None:
    """Reads the newsletter for a while, and then no more."""
    reads(story, person, days)
    story.answers(
        person.last_name,
        story.on(days - story.random.randint(12, 20)),
        agreed=False,
        consent=NEWSLETTER,
    )


def joins(story: Story, person: Person, days: int) -> None:
    """Opens an account in the app, orders a card and uses the app from then on."""
    who, first = person.last_name, story.on(days)
    story.answers(who, first, channel=APP)
    story.opens_app(
        who,
        first,
        screen("Welcome"),
        click("Become a customer"),
        screen("Registration"),
        form("Registration", person.fields(*_FULL)),
        custom(ACCOUNT, story.random.choice(("Everyday account", "Student account"))),
    )
    story.opens_app(
        who,
        story.on(days - 2),
        screen("Cards"),
        custom(CARD, story.random.choice(("Alder Blue", "Alder Gold")), yearly_fee=29),
    )
    for days_ago in range(days - 4, 0, -story.random.randint(3, 7)):
        what = story.random.choice(("Transfer money", "Freeze card", "Show statement", "Save"))
        story.opens_app(who, story.on(days_ago), screen("Accounts"), click(what))


def buys_a_home(story: Story, person: Person, days: int) -> None:
    """Comes from the marketplace of flats, takes a brochure and talks to an adviser."""
    who, first = person.last_name, story.on(days)
    story.answers(who, first)
    story.visits(
        who,
        first,
        page("Mortgages", _HOMES),
        page("Your first flat, step by step"),
        custom(BROCHURE, "Buying your first home", pages=32),
    )
    days -= story.random.randint(2, 5)
    story.visits(
        who,
        story.on(days),
        page("Loan calculator", WEB + "/mortgages"),
        *story.calculations(3, 180000, 240000, 310000, 420000),
        form("Brochure by post", person.fields(*_LETTER)),
    )
    days -= story.random.randint(2, 5)
    story.visits(
        who,
        story.on(days),
        page("Contact"),
        form("Call me back", person.fields("MobilePhone", "Birthday")),
        custom(APPOINTMENT, "Mortgages", branch=person.city, weekday="Thursday"),
    )
    days -= story.random.randint(3, 8)
    story.visits(who, story.on(days), page("What a fixed rate really fixes"), page("Mortgages"))


def looks_around(story: Story, who: str, days: int) -> None:
    """Stays anonymous."""
    first = story.on(days)
    story.answers(who, first)
    story.visits(
        who,
        first,
        page("Home", story.random.choice(_SEARCH)),
        *(page(name) for name in story.random.sample(list(_PATHS), story.random.randint(1, 4))),
    )
    if story.random.random() < 0.5:
        story.visits(
            who, story.on(days - story.random.randint(1, 9)), page("Home"), *story.calculations(1)
        )


def changes_their_mind(story: Story, who: str, days: int) -> None:
    """Agrees to be tracked, and revokes it at the second visit."""
    looks_around(story, who, days)
    story.answers(who, story.on(days - 10), agreed=False)


def signs_in_on_the_phone(story: Story, person: Person, days: int) -> None:
    """Uses the app anonymously, then signs in: the two contacts become one."""
    who, first = f"{person.last_name}'s phone", story.on(days)
    story.answers(who, first, channel=APP)
    story.opens_app(who, first, screen("Welcome"), screen("Exchange rates"))
    story.opens_app(
        who,
        story.on(days - 2),
        screen("Sign in"),
        form("Sign in", person.fields("Email", "MobilePhone")),
        screen("Accounts"),
    )
    # The app keeps the GUID that it was given.
    story.opens_app(who, story.on(days - 4), screen("Accounts"), click("Transfer money"))


def lends_the_tablet(story: Story, owner: Person, days: int, fields: dict[str, str]) -> None:
    """A person with another email fills in a form where `owner` is known."""
    story.visits(owner.last_name, story.on(days), page("Savings"), form("Savings plan", fields))


def works_elsewhere(story: Story, person: Person, days: int) -> None:
    """Comes again from work with another email: only a person can tell that it is one contact."""
    who, first = f"{person.last_name} at work", story.on(days)
    names = person.fields("FirstName", "LastName", "CompanyName", "JobTitle")
    story.answers(who, first)
    story.visits(
        who,
        first,
        page("Savings"),
        form("Savings for companies", {**names, "ContactEmail": "accounts@vogel.example"}),
    )


def visits_lately(story: Story, who: str, minutes_ago: int, *acts: Act) -> None:
    """Has been here a little while ago."""
    story.visits(who, story.now - timedelta(minutes=minutes_ago), *acts)


def is_new(story: Story, who: str, minutes_ago: int) -> None:
    """Comes for the first time, from a search or an article about the bank."""
    at = story.now - timedelta(minutes=minutes_ago)
    story.answers(who, at)
    source = story.random.choice((*_SEARCH, _NEWS))
    names = story.random.sample(("Loans", "Savings", "Mortgages", "Cards"), 2)
    story.visits(who, at, page("Home", source), *map(page, names))


# Of today, and of yesterday.
_NEW_MINUTES_AGO = (170, 121, 88, 52, 33, 7, 1620, 1570, 1530, 1480)
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Friday")
_CAST: dict[Callable[[Story, Person, int], None], dict[str, int]] = {
    borrows: {
        "Keller": 57, "Carter": 52, "Reed": 44, "Okafor": 39, "Hofer": 33, "Kowalska": 28,
        "Navarro": 22, "Jackson": 16, "Novák": 13,
    },
    reads: {
        "Vogel": 58, "Evans": 50, "Brooks": 41, "Laurent": 35, "Rossi": 27, "Tanaka": 19,
        "Carvalho": 14,
    },
    unsubscribes: {"Lindqvist": 47, "Miller": 36, "Diallo": 25},
    joins: {
        "Brandt": 55, "Nguyen": 48, "Hughes": 42, "de Vries": 31, "Byrne": 24, "Raman": 18,
        "Zieliński": 15,
    },
    buys_a_home: {
        "Steiner": 53, "Ortiz": 45, "Baumann": 37, "Moreau": 29, "Larsen": 21, "Fraser": 17,
    },
    signs_in_on_the_phone: {"Keller": 30, "Evans": 23, "Steiner": 20, "Carter": 12},
    works_elsewhere: {"Vogel": 26},
}  # fmt: skip
_PASSERS_BY = {
    looks_around: (56, 49, 43, 38, 34, 26, 20, 11, 8, 6, 4, 3, 2),
    changes_their_mind: (51, 32, 15),
}
# Through which channel, who sends something wrong, how many days ago, and what it is to be refused
# with.
_MISHAPS = (
    (APP, "Brandt", 34, custom(SURVEY, "Very happy"), "disabled_type"),
    (SITE, "Evans", 29, Act({"type": "pagevisit", "value": "Magazine"}), "missing_url"),
    (APP, "Hughes", 21, form("Profile", {"ContactBirthday": "16/07/2003"}), "bad_date"),
    (SITE, "Rossi", 12, form("Call me back", {"ContactEmail": "elena@example"}), "bad_email"),
    (SITE, "Larsen", 9, form("Contact", {"ContactCountry": "NO"}), "bad_country"),
    (APP, "Byrne", 6, Act({"type": "click", "value": 17}), "wrong_type"),
    (SITE, "Okafor", 2, form("Contact", {"ContactJobTitle": "Electrician " * 8}), "too_long"),
)


# The website got a new loan calculator, with a mistake in the name of the type: who uses it, how
# many days ago.
_MISSPELT = "custom_loan_calulator"
_NEW_CALCULATOR = {"Carter": 5, "Reed": 4, "Okafor": 2, "Hofer": 1}


def tell(now: datetime) -> list[Answer | Visit]:
    """Everything that happens in the 60 days before `now`, in the order of time."""
    story = Story(now)
    people = story.people
    for journey, begins in _CAST.items():
        for last_name, days in begins.items():
            journey(story, people[last_name], days)
    for wander, begin_days in _PASSERS_BY.items():
        for number, days in enumerate(begin_days, 1):
            wander(story, f"{wander.__name__} {number}", days)
    for channel, who, days, act, code in _MISHAPS:
        act = act._replace(refused_with=code)
        if channel == APP:
            story.opens_app(who, story.on(days), screen("Profile"), act)
        else:
            story.visits(who, story.on(days), page("Contact"), act)
    for who, days in _NEW_CALCULATOR.items():
        act = custom(_MISSPELT, "12000")._replace(refused_with="unknown_type")
        story.visits(who, story.on(days), page("Loan calculator"), act)
    noah = {"ContactEmail": "noah.carter@example.com", "ContactFirstName": "Noah"}
    lends_the_tablet(story, people["Carter"], 10, {**noah, "ContactLastName": "Carter"})
    laurent = people["Laurent"].fields("Email", "FirstName", "MobilePhone")
    lends_the_tablet(story, people["Moreau"], 7, laurent)
    visits_lately(story, "Keller", 95, page("Home"), page("Savings"))
    visits_lately(
        story, "Evans", 41, page("Travelling without fees", _ISSUE, "issue-1"), page("Cards")
    )
    visits_lately(story, "Fraser", 18, page("Loan calculator"), *story.calculations(2))
    for number, minutes in enumerate(_NEW_MINUTES_AGO, 1):
        is_new(story, f"new {number}", minutes)
    for who, minutes in {"Reed": 1590, "Okafor": 1505, "Hofer": 1466}.items():
        visits_lately(story, who, minutes, page("Loans"), page("Savings"))
    booked = custom(APPOINTMENT, "Loans", branch="Leipzig", weekday="Friday")
    visits_lately(story, "Carter", 64, page("Loans", _ISSUE, "issue-1"), booked)
    story.opens_app("Hughes", now - timedelta(minutes=29), screen("Accounts"), click("Save"))
    wrong = Act({"type": "click", "value": 17}, "wrong_type")
    visits_lately(story, "Byrne", 12, page("Cards"), wrong)
    return sorted(story.steps, key=lambda step: step.at)
