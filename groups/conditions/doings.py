"""Conditions on what contacts did.

They read the log itself, by the index of a contact's activities, and not what readers make of it,
such as `ContactSeen`: another reader keeps that, which may be behind the one that follows for
groups, and a contact that was looked at too early would stay as it was seen then.
"""

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from activities.models import SystemType
from groups.conditions.base import Condition, Scene, register
from groups.conditions.members import Members
from groups.conditions.profile import read_age, said_age, since
from groups.conditions.texts import compare
from groups.conditions.wording import all_of, any_of, counted, quoted, said_comparison
from groups.formulas import NOBODY, Fact, Formula, Looked, Statement, negated, of, put
from groups.names import Kind, Known
from groups.trees import InvalidRule

_MOST_TIMES = 1_000
_MOST_PROPERTIES = 20
_COST_OF_A_LOOK = 6.0


@dataclass(frozen=True)
class Search:
    """Activities that are looked for: of which types (None: any), of what kind, since when.

    :ivar since_entry: only those that were recorded after the entry of a run; `s` has it then
    """

    type_ids: tuple[int, ...] | None
    criteria: tuple[Statement, ...] = ()
    days: int | None = None
    since_entry: bool = False

    def where(self, scene: Scene) -> Statement:
        """What the rows are like, of the table `a`."""
        criteria = list(self.criteria)
        if self.type_ids is not None:
            # One type is compared as such, so that the index of types gives its newest first.
            one = len(self.type_ids) == 1
            ids = self.type_ids[0] if one else self.type_ids
            typed = put("a.type_id = {}" if one else "a.type_id = ANY({}::bigint[])", ids)
            criteria.insert(0, typed)
        if self.days is not None:
            after = since(self.days, scene)
            criteria.insert(0, put("a.occurred_at > {}::timestamptz", after))
        if self.since_entry:
            criteria.append(Statement("(a.recorded_at, a.id) > (s.entered_at, s.entry_id)"))
        return put(" AND ".join("({})" for _ in criteria) or "true", *criteria)


def found(search: Search, scene: Scene, *, times: int = 1) -> Formula:
    """The formula of contacts with at least so many of these activities."""
    if search.type_ids == ():
        return NOBODY
    where = search.where(scene)
    # The oldest of the newest ones: with it, one fewer is inside.
    one = put(
        "SELECT a.occurred_at FROM activities_activity AS a"
        " WHERE a.contact_id = s.contact_id AND {}"
        f" ORDER BY a.occurred_at DESC, a.id DESC LIMIT 1 OFFSET {times - 1}",
        where,
    )
    last = "max(a.occurred_at)"
    if times > 1 and search.days is not None:
        last = f"(array_agg(a.occurred_at ORDER BY a.occurred_at DESC))[{times}]"
    having = f" HAVING count(*) >= {times}" if times > 1 else ""
    all_ = put(
        f"SELECT a.contact_id, {last} AS found FROM activities_activity AS a WHERE {{}}"
        f" GROUP BY a.contact_id{having}",
        where,
    )
    hours, read = None, None
    if search.days is not None:
        hours = search.days * 24
        read = put(
            "SELECT FROM activities_activity WHERE occurred_at > {}", since(search.days, scene)
        )
    return Fact(Looked(one, all_, hours=hours, cost=_COST_OF_A_LOOK, read=read))


def newest(search: Search, scene: Scene, *, times: int = 1) -> Statement:
    """The evidence for such activities: the newest, and how many there are, up to `times`."""
    return put(
        "SELECT 'activity', id, occurred_at, title, (count(*) OVER ())::int FROM ("
        "SELECT a.id, a.occurred_at, a.title FROM activities_activity AS a"
        " WHERE a.contact_id = s.contact_id AND {}"
        f" ORDER BY a.occurred_at DESC, a.id DESC LIMIT {times}"
        ") AS found ORDER BY occurred_at DESC, id DESC LIMIT 1",
        search.where(scene),
    )


class Doing(Condition):
    """What conditions on activities of certain types have in common."""

    @abstractmethod
    def searches(self, members: Mapping[str, Any], scene: Scene) -> list[Search]:
        """What is looked for; each has to be found `at_least` times."""

    def evidence(self, members: Mapping[str, Any], scene: Scene) -> Sequence[Statement]:
        searches, times = self.searches(members, scene), members.get("at_least", 1)
        return [newest(one, scene, times=times) for one in searches if one.type_ids != ()]

    def formula(self, members: Mapping[str, Any], scene: Scene) -> Formula:
        times = members.get("at_least", 1)
        return of("all", [found(one, scene, times=times) for one in self.searches(members, scene)])


class Activity(Doing):
    """Activities of some types, which may have to be like this and that."""

    type = "activity"
    title = "Activities"

    def read(self, members: Members) -> dict[str, Any]:
        read: dict[str, Any] = {"activities": members.names("activities")}
        if members.choice("match", ("any", "all"), default="any") == "all":
            read["match"] = "all"
        read |= _since_entry(members) or members.optional_days()
        if members.has("at_least") and (least := members.whole("at_least", 1, _MOST_TIMES)) > 1:
            read["at_least"] = least
        read |= members.optional_comparison("value", numbers=True)
        read |= members.optional_comparison("url")
        read |= members.optional_comparison("referrer")
        if members.has("properties") and (properties := read_properties(members)):
            read["properties"] = properties
        return read | members.optional_names("channels") | members.optional_names("tracked_sites")

    def searches(self, members: Mapping[str, Any], scene: Scene) -> list[Search]:
        criteria = [
            compare(f"a.{name}", members[name])
            for name in ("value", "url", "referrer")
            if name in members
        ]
        criteria += (_has_property(one) for one in members.get("properties", ()))
        for name, kind in _PLACES.items():
            if name in members:
                ids = tuple(scene.known.ids(kind, members[name]))
                criteria.append(put(f"a.{name[:-1]}_id = ANY({{}}::bigint[])", ids))
        types = members["activities"]
        each = [[type] for type in types] if members.get("match") == "all" else [types]
        return [
            Search(
                tuple(scene.known.ids(Kind.ACTIVITY_TYPE, types)),
                tuple(criteria),
                members.get("days"),
                since_entry="since" in members,
            )
            for types in each
        ]

    def looks(self, members: Mapping[str, Any]) -> int:
        return len(members["activities"]) if members.get("match") == "all" else 1

    def names(self, members: Mapping[str, Any]) -> Mapping[Kind, Collection[str]]:
        places = {kind: members.get(name, ()) for name, kind in _PLACES.items()}
        return {Kind.ACTIVITY_TYPE: members["activities"], **places}

    def phrase(self, members: Mapping[str, Any], negate: bool, known: Known) -> str:
        titles = [quoted(known.title(Kind.ACTIVITY_TYPE, name)) for name in members["activities"]]
        said = all_of(titles) if members.get("match") == "all" else any_of(titles)
        said = f"{'has not' if negate else 'has'} done {said}"
        like = [
            _said(f"a {name}", members[name]) for name in ("value", "referrer") if name in members
        ]
        if "url" in members:
            like.append(_said("a URL", members["url"]))
        for one in members.get("properties", ()):
            like.append(_said(f"a property {quoted(one['name'])}", one))
        if like:
            said += f" with {all_of(like)}"
        for name, kind in _PLACES.items():
            if name in members:
                said += f" on {any_of([known.title(kind, one) for one in members[name]])}"
        if (times := members.get("at_least", 1)) > 1:
            said += f" at least {_times(times)}"
        return said + _ago(members)


class DataInput(Doing):
    """Fields came in, from a place with a label."""

    type = "data_input"
    title = "Data input"

    def read(self, members: Members) -> dict[str, Any]:
        return members.optional_comparison("label") | members.optional_days()

    def searches(self, members: Mapping[str, Any], scene: Scene) -> list[Search]:
        criteria = (compare("a.value", members["label"]),) if "label" in members else ()
        return [_of_system_type(SystemType.DATA_INPUT, criteria, members, scene)]

    def names(self, members: Mapping[str, Any]) -> Mapping[Kind, Collection[str]]:
        return {Kind.ACTIVITY_TYPE: (SystemType.DATA_INPUT,)}

    def phrase(self, members: Mapping[str, Any], negate: bool, known: Known) -> str:
        said = f"{'has not' if negate else 'has'} entered data"
        if "label" in members:
            said += f" with {_said('a label', members['label'])}"
        return said + _ago(members)


class LandingPage(Doing):
    """The contact came to a landing page."""

    type = "landing_page"
    title = "Landing page"

    def read(self, members: Members) -> dict[str, Any]:
        return members.optional_comparison("url") | members.optional_days()

    def searches(self, members: Mapping[str, Any], scene: Scene) -> list[Search]:
        criteria = (compare("a.url", members["url"]),) if "url" in members else ()
        return [_of_system_type(SystemType.LANDING_PAGE, criteria, members, scene)]

    def names(self, members: Mapping[str, Any]) -> Mapping[Kind, Collection[str]]:
        return {Kind.ACTIVITY_TYPE: (SystemType.LANDING_PAGE,)}

    def phrase(self, members: Mapping[str, Any], negate: bool, known: Known) -> str:
        said = f"{'has not' if negate else 'has'} come to a landing page"
        if "url" in members:
            said += f" with {_said('a URL', members['url'])}"
        return said + _ago(members)


class AnyDoing(Condition):
    """What conditions on the newest activity have in common, of whatever type it is."""

    def any_activity(self, members: Mapping[str, Any]) -> bool:
        return True

    def evidence(self, members: Mapping[str, Any], scene: Scene) -> Sequence[Statement]:
        return (newest(Search(None), scene),)


class Inactive(AnyDoing):
    """The contact has done nothing within some days, or ever."""

    type = "inactive"
    title = "Inactive"

    def read(self, members: Members) -> dict[str, Any]:
        return {"days": members.days()}

    def formula(self, members: Mapping[str, Any], scene: Scene) -> Formula:
        return negated(found(Search(None, days=members["days"]), scene))

    def phrase(self, members: Mapping[str, Any], negate: bool, known: Known) -> str:
        return f"has done {'something' if negate else 'nothing'}{_ago(members)}"


class LastSeen(AnyDoing):
    """The newest activity is within some days, or before them; one that is missing is before."""

    type = "last_seen"
    title = "Last seen"

    def read(self, members: Members) -> dict[str, Any]:
        return read_age(members)

    def formula(self, members: Mapping[str, Any], scene: Scene) -> Formula:
        within = found(Search(None, days=members["value"]), scene)
        return within if members["operator"] == "within_days" else negated(within)

    def phrase(self, members: Mapping[str, Any], negate: bool, known: Known) -> str:
        never = "" if members["operator"] == "within_days" else ", or never"
        return f"was {'not ' if negate else ''}last seen {said_age(members)}{never}"


_PLACES = {"channels": Kind.CHANNEL, "tracked_sites": Kind.TRACKED_SITE}


def _of_system_type(
    type: SystemType, criteria: tuple[Statement, ...], members: Mapping[str, Any], scene: Scene
) -> Search:
    ids = tuple(scene.known.ids(Kind.ACTIVITY_TYPE, [type]))
    return Search(ids, criteria, members.get("days"))


def read_properties(members: Members) -> list[dict[str, Any]]:
    """The member `properties`: a list of `{name, operator, value}`.

    :raises InvalidRule: if one is wrong
    """
    path = members.path_of("properties")
    given = members.list_of("properties")
    if len(given) > _MOST_PROPERTIES:
        raise InvalidRule(path, f"A condition looks at {_MOST_PROPERTIES} properties at most.")
    read = []
    for number, one in enumerate(given):
        inner = Members(one, f"{path}[{number}]", what="a comparison of a property")
        read.append({"name": inner.text("name", most=250), **inner.compared(numbers=True)})
        inner.done()
    return read


def _since_entry(members: Members) -> dict[str, str]:
    """`since: entry` as a part of the normal form: nothing if the member is absent."""
    if not members.has("since"):
        return {}
    if not members.of_run:
        raise InvalidRule(
            members.path_of("since"),
            "Only steps of automations count since the entry; give a number of days.",
        )
    if members.has("days"):
        raise InvalidRule(
            members.path_of("since"), "Counts since the entry, or for days: give one."
        )
    return {"since": members.choice("since", ("entry",))}


def _has_property(comparison: Mapping[str, Any]) -> Statement:
    """SQL that says whether a property compares so. Dots lead into objects, as elsewhere."""
    name = comparison["name"]
    compared = compare("p.value", comparison)
    value = put("a.properties ->> {}", name)
    if "." in name:
        value = put("coalesce({}, a.properties #>> {}::text[])", value, tuple(name.split(".")))
    return put("SELECT {} FROM (SELECT {} AS value) AS p", compared, value)


def _said(what: str, comparison: Mapping[str, Any]) -> str:
    return f"{what} that {said_comparison(comparison['operator'], comparison['value'])}"


def _times(times: int) -> str:
    return {1: "once", 2: "twice"}.get(times, f"{times:,} times")


def _ago(members: Mapping[str, Any]) -> str:
    if "since" in members:
        return " since the entry"
    return f" within the last {counted(members['days'], 'day')}" if "days" in members else ""


for condition in (Activity, DataInput, LandingPage, Inactive, LastSeen):
    register(condition())
