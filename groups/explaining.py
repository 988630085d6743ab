"""Why a contact is in a group or not, now or at a moment since its rule was last changed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils import timezone

from contacts.models import Contact
from database.letter_case import fold
from groups.compiling import Statement, formula_of_tree, known_of, of_asked
from groups.conditions import Scene, condition_of
from groups.formulas import joined, put
from groups.models import ContactGroup, Membership, MembershipEvent
from groups.ordering import referenced_groups
from groups.past import switched_at, tables_then
from groups.planner import for_driver
from groups.problems import problems_of
from groups.rules import leaf_to_json, parse
from groups.trees import Leaf, Tree

_KINDS = ("kind", "id", "time", "text", "count")


class CannotExplain(ValueError):
    """Nothing can be said about that moment; the message says why, for users."""


@dataclass
class _Answer:
    """What the database says of one part of the rule."""

    holds: bool
    due_at: datetime | None
    evidence: list[dict[str, Any]] = field(default_factory=list)


def explain(group: ContactGroup, contact: Contact, at: datetime | None = None) -> dict[str, Any]:
    """Whether `contact` is in `group`, and the rule with what each condition says of them.

    `member` is whether they are in it now, or were by the rule at `at`; `by_rule` is whether the
    rule holds for them. While a rule is not built, or what is new is not looked at yet, the two may
    differ. A static group has no rule, so `by_rule` and `rule` are None.

    `since` is when that began, `until` when it ended, or when time alone will end it, if nothing
    else happens before. Each condition has `holds` (after its negation), `until` likewise, and
    `because`: the kind, id, time and text of the activity, change, agreement, entry or exit that is
    behind it, or None; `count` is how many there are, as far as the condition asks for.

    :param contact: a live one, or one that was live at `at`
    :param at: None for now
    :raises CannotExplain: if `at` is in the future, before the rule or the contact was there, or
        before a group that the rule names was last switched on or off
    """
    now = timezone.now()
    _check_time(group, contact, at, now)
    if group.static:
        return _of_static_group(group, contact, at)
    tree = parse(group.rule)
    if at is not None:
        _check_named_groups(tree, at)
    scene = Scene(at or now, known_of(tree))
    answers = _ask(tree, contact, at, scene)
    whole = answers[()]
    member = _is_in(group, contact) if at is None else whole.holds and group.enabled
    since, until = _times(group, contact, member, at)
    if at is None and member == whole.holds and group.enabled:
        until = whole.due_at
    problems = {problem.path: problem.text for problem in problems_of(tree, scene.known)}
    rule = _told(tree, (), "", answers, problems)
    return {
        "member": member,
        "by_rule": whole.holds,
        "since": _shown(since),
        "until": _shown(until),
        "rule": rule,
    }


def _is_in(group: ContactGroup, contact: Contact) -> bool:
    """Whether the contact is in the group now, as everything that asks for members sees it."""
    served = ContactGroup.objects.with_members().filter(pk=group.pk)
    return Membership.objects.filter(group__in=served, contact=contact).exists()


def _check_time(group: ContactGroup, contact: Contact, at: datetime | None, now: datetime) -> None:
    if at is None:
        return
    if at > now:
        raise CannotExplain(f"{_said(at)} is in the future.")
    if at < group.rule_changed_at:
        raise CannotExplain(
            f"The rule of “{group.name}” was last changed at {_said(group.rule_changed_at)}: "
            "what held before is no longer known."
        )
    if at < contact.created_at:
        raise CannotExplain(f"The contact was created at {_said(contact.created_at)}, after that.")


def _check_named_groups(tree: Tree, at: datetime) -> None:
    """Refuse a time before a group that the rule names was last switched on or off."""
    named = {fold(code_name) for code_name in referenced_groups(tree)}
    if not named:
        return
    others = ContactGroup.objects.filter(code_name__fold__in=named).prefetch_related("builds")
    for other in others.order_by("pk"):
        since = switched_at(other)
        if since is not None and at < since:
            raise CannotExplain(
                f"“{other.name}”, which the rule names, may have been switched on or off until "
                f"{_said(since)}: who was in it before is not known."
            )


def _of_static_group(group: ContactGroup, contact: Contact, at: datetime | None) -> dict[str, Any]:
    if at is None:
        member = _is_in(group, contact)
    else:
        last = _events(group, contact).filter(at__lte=at).last()
        member = last is not None and last.entered and group.enabled
    since, until = _times(group, contact, member, at)
    return {
        "member": member,
        "by_rule": None,
        "since": _shown(since),
        "until": _shown(until),
        "rule": None,
    }


def _times(
    group: ContactGroup, contact: Contact, member: bool, at: datetime | None
) -> tuple[datetime | None, datetime | None]:
    """Since when it is so, by the history, and until when it was."""
    events = _events(group, contact)
    before = events.filter(at__lte=at) if at else events
    last = before.last()
    since = last.at if last and last.entered == member else None
    if at is None:
        return since, None
    after = events.filter(at__gt=at, entered=not member).first()
    return since, after.at if after else None


def _events(group: ContactGroup, contact: Contact) -> Any:
    return MembershipEvent.objects.filter(group=group, contact=contact).order_by("at", "id")


def _ask(
    tree: Tree, contact: Contact, at: datetime | None, scene: Scene
) -> Mapping[tuple[int, ...], _Answer]:
    """What the database says of the rule, and of each part, by their places; in one query."""
    parts = dict(_parts(tree))
    places = list(parts)
    queries = [_part_query(number, parts[place], scene) for number, place in enumerate(places)]
    tables = put("{}, ", tables_then(contact, at)) if at else Statement("")
    statement = for_driver(
        put(
            # A contact whose id the planner does not see is looked up as any other is.
            "WITH {}asked AS MATERIALIZED"
            " (SELECT *, id AS contact_id FROM contacts_contact WHERE id = {}) {}",
            *(tables, contact.pk, joined(" UNION ALL ", queries)),
        )
    )
    answers: dict[tuple[int, ...], _Answer] = {}
    with connection.cursor() as cursor:
        cursor.execute(statement.sql, list(statement.params))
        rows = cursor.fetchall()
    for number, holds, due_at, *_ in rows:
        if holds is not None:
            answers[places[number]] = _Answer(holds, due_at)
    for number, holds, _, *evidence in rows:
        if holds is None:
            answers[places[number]].evidence.append(dict(zip(_KINDS, evidence, strict=True)))
    return answers


def _parts(node: Tree | Leaf, place: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], Any]]:
    yield place, node
    if isinstance(node, Tree):
        for number, one in enumerate(node.conditions):
            yield from _parts(one, (*place, number))


def _part_query(number: int, part: Tree | Leaf, scene: Scene) -> Statement:
    """Rows about one part: whether it holds, and the evidence, in which `holds` is NULL."""
    answer = put(
        f"SELECT {number} AS part, holds, due_at, NULL::text AS kind, NULL::bigint AS id,"
        " NULL::timestamptz AS at, NULL::text AS text, NULL::int AS count FROM ({}) AS answer",
        of_asked(formula_of_tree(part, scene)),
    )
    evidence = (
        condition_of(part.type).evidence(part.members, scene) if isinstance(part, Leaf) else ()
    )
    return joined(
        " UNION ALL ",
        [
            answer,
            *(
                put(
                    f"SELECT {number}, NULL, NULL, one.* FROM asked AS s, LATERAL ({{}}) AS one",
                    query,
                )
                for query in evidence
            ),
        ],
    )


def _told(
    node: Tree | Leaf,
    place: tuple[int, ...],
    path: str,
    answers: Mapping[tuple[int, ...], _Answer],
    problems: Mapping[str, str],
) -> dict[str, Any]:
    """A part of the rule as JSON, with what was found."""
    answer = answers[place]
    found = {"holds": answer.holds, "until": _shown(answer.due_at)}
    if isinstance(node, Leaf):
        problem = {"problem": problems[path]} if path in problems else {}
        return {**leaf_to_json(node), **found, "because": _because(node, answer), **problem}
    prefix = f"{path}." if path else ""
    return {
        "match": node.match,
        **found,
        "conditions": [
            _told(one, (*place, number), f"{prefix}conditions[{number}]", answers, problems)
            for number, one in enumerate(node.conditions)
        ],
    }


def _because(leaf: Leaf, answer: _Answer) -> dict[str, Any] | None:
    if not answer.evidence:
        return None
    newest = max(answer.evidence, key=lambda row: (row["time"], row["id"]))
    text = condition_of(leaf.type).told(leaf.members, newest["text"])
    return {**newest, "time": _shown(newest["time"]), "text": text}


def _shown(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _said(moment: datetime) -> str:
    return timezone.localtime(moment).isoformat()
