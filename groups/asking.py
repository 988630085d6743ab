"""What the list of contacts may be asked, made of the conditions of rules.

So a filter of the list means what the condition of a group means: there is one evaluator.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import BigIntegerField, QuerySet
from django.db.models.expressions import RawSQL
from django.utils import timezone

from database.cursors import array_of
from groups.compiling import WITHOUT_JIT, by_plan, of_asked, plans_for
from groups.conditions import Scene, condition_of
from groups.conditions.answers import whose_answer
from groups.conditions.doings import Search, found
from groups.conditions.texts import compare
from groups.formulas import NOBODY, Formula, Statement, negated, of, put
from groups.names import Kind, look_up
from groups.planner import for_driver

# How filters name a version of a text, and its language.
VERSION = re.compile(r"v([1-9][0-9]{0,8})-([A-Za-z0-9-]{1,35})")
_ASKED = "SELECT * FROM contacts_contact WHERE id = ANY({}::bigint[]) AND merged_into_id IS NULL"


@dataclass(frozen=True)
class OfContacts:
    """The contacts for whom a formula holds, as the list of contacts looks for them."""

    formula: Formula

    def among(self, ids: Sequence[int]) -> Collection[int]:
        """Those of these contacts for whom it holds."""
        asked = put(_ASKED, array_of(ids))
        rows = put("WITH asked AS MATERIALIZED ({}) {}", asked, of_asked(self.formula))
        statement = for_driver(rows)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(WITHOUT_JIT)
            cursor.execute(
                f"SELECT contact_id FROM ({statement.sql}) AS looked WHERE holds",  # noqa: S608
                statement.params,
            )
            return {key for (key,) in cursor.fetchall()}

    def all_of(self, rows: QuerySet) -> QuerySet:
        """Those of `rows` for whom it holds: the statement that builds a group has their ids."""
        if self.formula == NOBODY:
            return rows.none()
        plan = min(plans_for(self.formula), key=lambda one: one.work)
        statement = by_plan(self.formula, plan)
        ids = RawSQL(  # noqa: S611 -- what users wrote are parameters
            f"SELECT contact_id FROM ({statement.sql}) AS found WHERE holds",  # noqa: S608
            statement.params,
            BigIntegerField(),
        )
        return rows.filter(pk__in=ids)

    def __and__(self, other: "OfContacts") -> "OfContacts":
        return OfContacts(of("all", [self.formula, other.formula]))


@dataclass(frozen=True)
class Did:
    """What contacts did, all of it in one activity; what is empty does not matter.

    :ivar type: the code name of its type
    :ivar url: a text that its URL contains
    :ivar source: where they came from: a text in its referrer, or the `utm_source` of its URL
    :ivar channel: the code name of the channel
    :ivar site: the code name of the tracked site
    :ivar days: how many days back it may be at most
    """

    type: str = ""
    url: str = ""
    source: str = ""
    channel: str = ""
    site: str = ""
    days: int | None = None

    def formula(self) -> Formula:
        """The formula of the contacts who did such a thing."""
        scene = _scene(
            (Kind.ACTIVITY_TYPE, self.type),
            (Kind.CHANNEL, self.channel),
            (Kind.TRACKED_SITE, self.site),
        )
        criteria = []
        if self.url:
            criteria.append(_contains("a.url", self.url))
        if self.source:
            in_url = _contains("a.url", f"utm_source={self.source}")
            criteria.append(put("{} OR {}", _contains("a.referrer", self.source), in_url))
        for column, kind, name in (
            ("a.channel_id", Kind.CHANNEL, self.channel),
            ("a.tracked_site_id", Kind.TRACKED_SITE, self.site),
        ):
            if name:
                ids = tuple(scene.known.ids(kind, [name]))
                criteria.append(put(f"{column} = ANY({{}}::bigint[])", ids))
        types = tuple(scene.known.ids(Kind.ACTIVITY_TYPE, [self.type])) if self.type else None
        return found(Search(types, tuple(criteria), self.days), scene)


def answered(consent: str, answer: str) -> Formula:
    """The formula of the contacts who gave this answer to the consent with this code name.

    :param answer: `yes`, `current` (to a text that is current), `earlier` (to another), `no` (took
        it back), `none` (never answered), or a version of a text with its language, such as `v3-en`
    """
    scene = _scene((Kind.CONSENT, consent))
    named = scene.known.get(Kind.CONSENT, consent)
    if named is None:
        return NOBODY
    of_rules = condition_of("consent")
    match answer:
        case "no":
            return whose_answer(put("answer.consent_id = {} AND NOT answer.agreed", named.id))
        case "none":
            return negated(whose_answer(put("answer.consent_id = {}", named.id)))
        case "earlier":
            return _agrees_to_text(named.id, put("text.superseded_at IS NOT NULL"))
        case "current":
            return condition_of("consent").formula(
                {"consent": consent, "version": "current"}, scene
            )
    if version := VERSION.fullmatch(answer):
        number, language = version.groups()
        return _agrees_to_text(
            named.id,
            put("text.version = {} AND lower(text.language) = lower({})", int(number), language),
        )
    return of_rules.formula({"consent": consent}, scene)


def _agrees_to_text(consent_id: int, text: Statement) -> Formula:
    """The formula of the contacts whose current answer is a yes to such a `text`."""
    return whose_answer(
        put(
            "answer.consent_id = {} AND answer.agreed AND answer.text_id IN ("
            "SELECT text.id FROM consents_consenttext AS text WHERE text.consent_id = {} AND {})",
            *(consent_id, consent_id, text),
        )
    )


def _scene(*named: tuple[Kind, str]) -> Scene:
    return Scene(timezone.now(), look_up({kind: [name] for kind, name in named if name}))


def _contains(column: str, text: str) -> Statement:
    return compare(column, {"operator": "contains", "value": text})
