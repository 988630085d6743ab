"""What is sent to the doors: for each scenario its requests, and how to read its answers."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any

from benchmarks.posts import FRESH, Post

_CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 "
    "Safari/537.36"
)
_CONNECTIONS = 32
# Which part of the limit the headless door is to reach, by the activities of a request: without
# ids of their own, and with them.
_TARGETS = {1: (0.90, 0.75), 20: (0.72, 0.60), 100: (0.77, 0.62)}
# And the others: a request with one activity; a batch of one user, and of as many as it has events.
_TARGET_OF_ONE = 0.5
_TARGETS_OF_BATCHES = {1: 0.4, 20: 0.25}
_UNKNOWN_TYPE = {"type": "custom_never_made", "value": "Apply for a loan"}
# What a contact does who enters the group that is measured, and how many requests come around it.
_LAST_MISSING = {"type": "custom_loan_calculator", "value": "9000"}
_REQUESTS_AROUND = 9

Staged = dict[str, Any]


@dataclass(frozen=True)
class Scenario:
    """Requests of one kind, each of which is to become `rows` rows.

    `count` reads from an answer's status and body how many activities it acknowledges.
    """

    name: str
    rows: int
    requests: Sequence[Post]
    count: Callable[[int, bytes], int]
    connections: int = _CONNECTIONS
    target: float | None = None


def make_scenarios(staged: Staged, port: int) -> list[Scenario]:
    """The scenarios of all doors that the hub has; `staged` is what staging has printed."""
    host = f"127.0.0.1:{port}"
    scenarios = [
        _headless(staged["headless"], host, rows, ids=ids)
        for rows in _TARGETS
        for ids in (False, True)
    ]
    scenarios.append(_headless(staged["headless"], host, 20, ids=True, refused=1))
    scenarios.append(_crosssite(staged["crosssite"]))
    if staged["activecampaign"]:
        scenarios.append(_activecampaign(staged["activecampaign"], host))
    commandersact = staged["commandersact"]
    scenarios.append(_commandersact(commandersact, host))
    scenarios += [_commandersact_batch(commandersact, host, people) for people in (1, 20)]
    return scenarios


def _headless(
    staged: Staged, host: str, rows: int, *, ids: bool = False, refused: int = 0
) -> Scenario:
    """Requests with `rows` activities and, in the midst of them, some that are refused."""

    def request(number: int, contact: str) -> Post:
        activities = [_activity(number + row) for row in range(rows)]
        activities[rows // 2 : rows // 2] = [_UNKNOWN_TYPE] * refused
        if ids:
            activities = [
                {**activity, "id": f"{FRESH}{row:012d}"} for row, activity in enumerate(activities)
            ]
        return _headless_post(staged, host, contact, activities)

    details = ["with ids"] * ids + [f"and {refused} refused"] * bool(refused)
    return Scenario(
        name=", ".join([f"headless, {rows} a request", *details]),
        rows=rows,
        requests=[request(*each) for each in enumerate(staged["contacts"])],
        count=_count_accepted,
        target=None if refused else _TARGETS[rows][ids],
    )


def make_joining(staged: Staged, port: int, joining: Sequence[str]) -> Scenario:
    """Ten requests for each of these contacts: one has what they lack, nine are about others."""
    headless, host = staged["headless"], f"127.0.0.1:{port}"
    contacts = cycle(headless["contacts"])
    requests = []
    for contact in joining:
        others = [(next(contacts), _activity(number)) for number in range(_REQUESTS_AROUND)]
        requests += [
            _headless_post(headless, host, who, [activity])
            for who, activity in [(contact, _LAST_MISSING), *others]
        ]
    return Scenario("contacts that join a group", 1, requests, _count_accepted)


def _headless_post(staged: Staged, host: str, contact: str, activities: list[Any]) -> Post:
    headers = {"Host": host, "Authorization": f"Bearer {staged['key']}"}
    headers["Content-Type"] = "application/json"
    body = {"channel": staged["channel"], "contact": contact, "activities": activities}
    return Post("/Kentico.Tracking/activities", headers, json.dumps(body))


def _count_accepted(status: int, body: bytes) -> int:
    return body.count(b'"status":202') if status == 207 else 0


def _activity(number: int) -> dict[str, str]:
    """One of the three kinds that apps report most, about one of some pages."""
    page = f"https://app.example.com/loans/{number % 40}"
    return (
        {
            "type": "pagevisit",
            "value": f"Loan {number % 40}: what it costs, and how to apply",
            "url": page,
            "referrer": "https://app.example.com/",
        },
        {"type": "click", "value": "Apply for a loan", "url": page},
        {"type": "custom_loan_calculator", "value": str(1000 * (number % 90)), "url": page},
    )[number % 3]


def _crosssite(staged: Staged) -> Scenario:
    headers = {"Host": staged["host"], "Origin": staged["origin"], "User-Agent": _CHROME}
    headers["Content-Type"] = "text/plain;charset=UTF-8"

    def request(number: int, cookie: str) -> Post:
        page = f"{staged['origin']}/houses/{number % 40}"
        visit = {"type": "pagevisit", "value": f"House {number % 40}", "url": page}
        visit |= {"referrer": f"{staged['origin']}/", "id": f"{FRESH}000000000000"}
        body = {"activities": [visit], "page": page, "version": "1"}
        path = "/Kentico.CrossSiteTracking/Log"
        return Post(path, {**headers, "Cookie": cookie}, json.dumps(body))

    return Scenario(
        name="cross-site page visit",
        rows=1,
        requests=[request(*each) for each in enumerate(staged["cookies"])],
        count=lambda status, body: 1 if status == 200 and b'"cookie' not in body else 0,
        target=_TARGET_OF_ONE,
    )


def _activecampaign(staged: Staged, host: str) -> Scenario:
    headers = {"Host": host, "Content-Type": "application/x-www-form-urlencoded"}

    def request(number: int, email: str) -> Post:
        fields = f"actid={staged['account_id']}&key={staged['event_key']}&event=Loan+requested"
        visit = f"&visit=%7B%22email%22%3A%22{email.replace('@', '%40')}%22%7D"
        return Post("/event", headers, f"{fields}&eventdata=Loan+{number % 40}{visit}")

    return Scenario(
        name="ActiveCampaign event",
        rows=1,
        requests=[request(*each) for each in enumerate(staged["emails"])],
        count=lambda status, body: 1 if status == 200 and b'"success":1' in _dense(body) else 0,
        target=_TARGET_OF_ONE,
    )


def _commandersact(staged: Staged, host: str) -> Scenario:
    return Scenario(
        name="Commanders Act event",
        rows=1,
        requests=[
            Post(_source("/events", staged), {"Host": host}, json.dumps(_event(number, user)))
            for number, user in enumerate(staged["users"])
        ],
        count=_count_all_of(1),
        target=_TARGET_OF_ONE,
    )


def _commandersact_batch(staged: Staged, host: str, people: int) -> Scenario:
    users, rows = staged["users"], 20

    def request(number: int) -> Post:
        whose = [users[(number * people + row % people) % len(users)] for row in range(rows)]
        body = json.dumps({"batch": [_event(*each) for each in enumerate(whose)]})
        return Post(_source("/events/batch", staged), {"Host": host}, body)

    of_whom = "one user" if people == 1 else f"{people} users"
    return Scenario(
        name=f"Commanders Act batch, {rows} of {of_whom}",
        rows=rows,
        requests=[request(number) for number in range(len(users))],
        count=_count_all_of(rows),
        target=_TARGETS_OF_BATCHES[people],
    )


def _event(number: int, user: str) -> dict[str, Any]:
    return {
        "event_name": "add_to_cart",
        "value": 89.9,
        "currency": "EUR",
        "items": [{"id": f"A-{number % 40}", "quantity": 1, "product": {"name": "House"}}],
        "user": {"id": user},
        "context": {
            "event_id": f"{FRESH}{number:012d}",
            "page": {"url": f"https://shop.example.com/{number % 40}"},
        },
    }


def _source(path: str, staged: Staged) -> str:
    return f"{path}?tc_s={staged['site_id']}&token={staged['source_key']}"


def _count_all_of(rows: int) -> Callable[[int, bytes], int]:
    # The format answers nothing but the status; the count in the database tells the rest.
    return lambda status, body: rows if status == 200 and not body else 0


def _dense(body: bytes) -> bytes:
    return body.replace(b" ", b"")
