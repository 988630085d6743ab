"""A rule as one statement: for all contacts, or for some.

Each condition is a formula of atoms (`formulas.py`). The statement begins with as few contacts as
possible, those of the rarest condition that all members must meet, and looks at the atoms one
after the other, those first that a member needs: who lacks one goes no further.

Beside whether the rule holds, it says when time alone may change that. A rule of *all* that does
not hold can come to hold only when all its false parts have turned, so the latest of their times
counts, and while one of them never turns, there is none. One that holds ends with its first part.
*Any* is the other way round.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from database.cursors import array_of
from groups.conditions import Scene, condition_of, formula_of
from groups.entries import Entry, entered
from groups.formulas import (
    NOBODY,
    Atom,
    Column,
    Fact,
    Formula,
    Looked,
    Of,
    Statement,
    atoms_of,
    joined,
    of,
    put,
)
from groups.names import Kind, Known, look_up
from groups.planner import Estimate, estimate, for_driver
from groups.trees import Leaf, Tree

__all__ = ["WITHOUT_JIT", "Statement", "members", "of_contacts", "of_entries"]

# For the rest of a transaction. A server that has the means compiles statements of so many parts,
# which takes longer than most of them run.
WITHOUT_JIT = "SET LOCAL jit = off"
_NEVER = "'infinity'::timestamptz"
# PostgreSQL plans a query in a query for each of these.
_MOST_STAGES = 12
# What it costs to go on with a contact, in the planner's units.
_COST_OF_A_CONTACT = 0.3
# The planner takes every page of a look for one from the disk, and most are in memory.
_CACHED = 0.1
# What a row of the log costs that stands beside the one that was read before it.
_COST_OF_A_ROW = 0.1
# From so many contacts on the planner is asked whether to read for all of them at once. A batch of
# the reader has fewer: there it would be asked for each of very many groups.
_MANY = 5_000
_EVERYBODY = Statement(
    "SELECT c.id AS contact_id FROM contacts_contact AS c WHERE c.merged_into_id IS NULL"
)


@dataclass(frozen=True)
class Driver:
    """The contacts to begin with: all who have `atom`, or those of a query, or all of a table.

    :ivar more: columns of the table that looks ask for
    """

    contacts: Statement | None = None
    atom: Looked | None = None
    table: str = "contacts_contact"
    more: tuple[str, ...] = ()


@dataclass(frozen=True)
class Looks:
    """How the atoms of other tables are looked at: read for all and joined, or one by one."""

    joined: Sequence[Looked]
    one_by_one: Sequence[Looked]


@dataclass(frozen=True)
class Plan:
    """A way to carry out a formula, and the work that the planner expects of it."""

    driver: Driver
    looks: Looks
    work: float


def known_of(tree: Tree) -> Known:
    """What the names in a rule stand for."""
    names: dict[Kind, set[str]] = {}
    for leaf in tree.leaves():
        for kind, code_names in condition_of(leaf.type).names(leaf.members).items():
            names.setdefault(kind, set()).update(code_names)
    return look_up(names)


def formula_of_tree(tree: Tree | Leaf, scene: Scene) -> Formula:
    """The contacts for whom a rule, or a part of it, holds."""
    if isinstance(tree, Leaf):
        return formula_of(tree, scene)
    return of(tree.match, [formula_of_tree(one, scene) for one in tree.conditions])


def members(tree: Tree, *, now: datetime, known: Known | None = None) -> Statement:
    """The members at `now`, and the contacts that time alone may let in or out.

    Its rows are `(contact_id, holds, due_at)`, each contact at most once: all live contacts for
    which the rule holds or may come to hold by time alone. `due_at` is when that may change, never
    too late, or NULL. What names stand for is looked up unless it is `known`.
    """
    formula = _formula_of(tree, now, known)
    if formula == NOBODY:
        return Statement(_NO_ROWS)
    return by_plan(formula, min(plans_for(formula), key=lambda plan: plan.work))


def by_plan(formula: Formula, plan: Plan) -> Statement:
    """The rows of `members`, in one of the ways that `plans_for` gives."""
    return for_driver(_compile(formula, plan.driver, plan.looks))


def of_contacts(
    tree: Tree, contact_ids: Collection[int], *, now: datetime, known: Known | None = None
) -> Statement:
    """The same of these contacts alone: one row for each that is live, member or not."""
    formula = _formula_of(tree, now, known)
    many = len(contact_ids) if len(contact_ids) >= _MANY else 0
    asked = put(
        "SELECT * FROM contacts_contact WHERE id = ANY({}::bigint[]) AND merged_into_id IS NULL",
        array_of(contact_ids),
    )
    return for_driver(
        put("WITH asked AS MATERIALIZED ({}) {}", asked, of_asked(formula, many=many))
    )


def of_entries(
    tree: Tree, entries: Mapping[int, Entry], *, now: datetime, known: Known | None = None
) -> Statement:
    """The same of the contacts of runs, for a rule that may count since their entries."""
    formula = _formula_of(tree, now, known)
    rows = of_asked(formula, with_entries=True)
    return for_driver(put("WITH asked AS MATERIALIZED ({}) {}", entered(entries), rows))


def of_asked(formula: Formula, *, with_entries: bool = False, many: int = 0) -> Statement:
    """`formula` for the contacts in a table `asked` of live ones: a row for each, member or not.

    :param with_entries: whether the table has the entries of runs
    :param many: how many these are, if so many that reading for all at once may take less
    """
    if formula == NOBODY:
        found = Statement(_NO_ROWS)
    else:
        driver = _ENTERED if with_entries else _ASKED
        expected = Estimate(rows=many, cost=0.0)
        looks = _plan(formula, driver, expected).looks if many else _looks_in_order_of_cost(formula)
        found = _compile(formula, driver, looks)
    return put(
        "SELECT asked.id AS contact_id, coalesce(found.holds, false) AS holds, found.due_at"
        " FROM asked LEFT JOIN ({}) AS found ON found.contact_id = asked.id",
        found,
    )


@dataclass(frozen=True)
class _Part:
    """What a part of a formula is in SQL: whether it holds, and when that turns (None: never)."""

    holds: str
    due: str | None


_NO_ROWS = (
    "SELECT NULL::bigint AS contact_id, false AS holds, NULL::timestamptz AS due_at WHERE false"
)
_ASKED = Driver(table="asked")
_ENTERED = Driver(table="asked", more=("entered_at", "entry_id"))


def _formula_of(tree: Tree, now: datetime, known: Known | None) -> Formula:
    return formula_of_tree(tree, Scene(now, known if known is not None else known_of(tree)))


def _compile(formula: Formula, driver: Driver, looks: Looks) -> Statement:
    number_of = {atom: number for number, atom in enumerate(atoms_of(formula))}
    needed = _needed(formula)
    rows = _first_rows(number_of, needed, driver, looks)
    pending = [fact for fact in needed if fact.atom in (driver.atom, *looks.joined)]
    first = [atom for atom in looks.one_by_one if _fact_on(atom, needed)]
    for atom in first[:_MOST_STAGES]:
        rows = _look(rows, [atom], number_of, pending)
        pending = [fact for fact in needed if fact.atom == atom]
    if last := [atom for atom in looks.one_by_one if atom not in first[:_MOST_STAGES]]:
        rows = _look(rows, last, number_of, pending)
        pending = [fact for fact in needed if fact.atom in last]
    known: dict[Formula, _Part]
    known = {fact: replace(_part(fact, number_of, {}), holds="true") for fact in needed}
    for nodes in _inner_nodes(formula):
        rows = _judge(rows, nodes, number_of, pending, known)
        pending = []
    whole = _part(formula, number_of, known)
    due = whole.due or _NEVER
    return put(
        f"SELECT s.contact_id, {whole.holds} AS holds, nullif({due}, {_NEVER}) AS due_at"
        f" FROM ({{}}) AS s WHERE {_criteria(pending, number_of)}"
        f" AND ({whole.holds} OR {due} < {_NEVER})",
        rows,
    )


def _inner_nodes(formula: Formula) -> list[list[Of]]:
    """The nodes inside of a formula, the innermost first, each after all that are inside of it."""
    levels: list[list[Of]] = []
    nodes = [part for part in _parts_of(formula) if isinstance(part, Of)]
    while nodes:
        levels.insert(0, nodes)
        nodes = [part for node in nodes for part in node.parts if isinstance(part, Of)]
    return levels


def _judge(
    rows: Statement,
    nodes: Sequence[Of],
    number_of: Mapping[Atom, int],
    pending: Sequence[Fact],
    known: dict[Formula, _Part],
) -> Statement:
    """`rows` with what comes out for these nodes, which is added to what is `known`.

    As values and not as SQL within SQL, which would double with each level.
    """
    columns = ["s.*"]
    for node in nodes:
        if node in known:
            continue
        part, number = _part(node, number_of, known), len(known)
        columns.append(f"{part.holds} AS h{number}")
        if part.due:
            columns.append(f"{part.due} AS e{number}")
        known[node] = _Part(f"s.h{number}", part.due and f"s.e{number}")
    return put(
        f"SELECT {', '.join(columns)} FROM ({{}}) AS s"
        f" WHERE {_criteria(pending, number_of)} OFFSET 0",
        rows,
    )


def _first_rows(
    number_of: Mapping[Atom, int], needed: Sequence[Fact], driver: Driver, looks: Looks
) -> Statement:
    """The contacts to begin with, what their own rows say, and what is read for all at once."""
    columns = [Statement("c.id AS contact_id"), *(Statement(f"c.{one}") for one in driver.more)]
    tables = [Statement(f"{driver.table} AS c")]
    criteria = [Statement("c.merged_into_id IS NULL")]
    if driver.atom:
        columns.append(Statement(f"driver.found AS v{number_of[driver.atom]}"))
    if contacts := driver.atom.all if driver.atom else driver.contacts:
        tables.append(put("JOIN ({}) AS driver ON driver.contact_id = c.id", contacts))
    for atom in looks.joined:
        number, how = number_of[atom], "JOIN" if Fact(atom) in needed else "LEFT JOIN"
        columns.append(Statement(f"t{number}.found AS v{number}"))
        on = f"t{number} ON t{number}.contact_id = c.id"
        tables.append(put(f"{how} ({{}}) AS {on}", atom.all))
    for own, number in number_of.items():
        if isinstance(own, Column):
            columns.append(put(f"({{}}) IS TRUE AS v{number}", own.holds))
            if own.due:
                columns.append(put(f"{{}} AS d{number}", own.due))
    for fact in needed:
        if isinstance(fact.atom, Column):
            criteria.append(
                put(f"({{}}) IS {'' if fact.positive else 'NOT '}TRUE", fact.atom.holds)
            )
    return put(
        "SELECT {} FROM {} WHERE {} OFFSET 0",
        *(joined(", ", columns), joined(" ", tables), joined(" AND ", criteria)),
    )


def _look(
    rows: Statement,
    atoms: Sequence[Looked],
    number_of: Mapping[Atom, int],
    pending: Sequence[Fact],
) -> Statement:
    """`rows` that are as is `pending`, with what is found of these atoms.

    OFFSET 0 keeps PostgreSQL from looking again wherever the value is used.
    """
    values = [put(f"({{}}) AS v{number_of[atom]}", atom.one) for atom in atoms]
    return put(
        f"SELECT s.*, {{}} FROM ({{}}) AS s WHERE {_criteria(pending, number_of)} OFFSET 0",
        *(joined(", ", values), rows),
    )


def _criteria(facts: Sequence[Fact], number_of: Mapping[Atom, int]) -> str:
    return " AND ".join(_part(fact, number_of, {}).holds for fact in facts) or "true"


def _part(formula: Formula, number_of: Mapping[Atom, int], known: Mapping[Formula, _Part]) -> _Part:
    """A part of the formula in SQL, of the rows `s`, in which some parts are `known`."""
    if formula in known:
        return known[formula]
    if isinstance(formula, Fact):
        number, due = number_of[formula.atom], None
        if isinstance(formula.atom, Looked):
            holds = f"s.v{number} IS {'NOT ' if formula.positive else ''}NULL"
            if hours := formula.atom.hours:
                due = f"coalesce(s.v{number} + {hours} * interval '1 hour', {_NEVER})"
        else:
            holds = f"s.v{number}" if formula.positive else f"NOT s.v{number}"
            if formula.atom.due:
                due = f"coalesce(s.d{number}, {_NEVER})"
        return _Part(f"({holds})", due)
    parts = [_part(part, number_of, known) for part in formula.parts]
    # With *all*, one part that does not hold decides; with *any*, one that does.
    every = formula.match == "all"
    holds = (" AND " if every else " OR ").join(part.holds for part in parts)
    holds = f"({holds})" if parts else str(every).lower()
    dues = [part.due for part in parts if part.due]
    if not dues:
        return _Part(holds, None)
    latest = ", ".join(
        f"CASE WHEN {part.holds} THEN {open_} ELSE {decided} END"
        for part in parts
        for open_, decided in [
            ("'-infinity'", part.due or _NEVER) if every else (part.due or _NEVER, "'-infinity'")
        ]
    )
    first, second = f"least({', '.join(dues)})", f"greatest({latest})"
    if not every:
        first, second = second, first
    return _Part(holds, f"CASE WHEN {holds} THEN {first} ELSE {second} END")


def _own(fact: Fact) -> Statement:
    """That the row of a contact says so, of a column."""
    assert isinstance(fact.atom, Column)
    return put(f"({{}}) IS {'' if fact.positive else 'NOT '}TRUE", fact.atom.holds)


def _parts_of(formula: Formula) -> Sequence[Formula]:
    return formula.parts if isinstance(formula, Of) else ()


def _needed(formula: Formula) -> list[Fact]:
    """Facts that hold for every row that counts: a member lacks none, and time brings none."""
    facts = formula.parts if isinstance(formula, Of) and formula.match == "all" else (formula,)
    return [fact for fact in facts if isinstance(fact, Fact) and not fact.begins]


def _fact_on(atom: Atom, facts: Sequence[Fact]) -> bool:
    return any(fact.atom == atom for fact in facts)


def _looks_in_order_of_cost(formula: Formula) -> Looks:
    atoms = [atom for atom in atoms_of(formula) if isinstance(atom, Looked)]
    return Looks((), sorted(atoms, key=lambda atom: atom.cost))


def plans_for(formula: Formula) -> list[Plan]:
    """The ways to carry out a formula; all give the same rows."""
    own = [_own(fact) for fact in _needed(formula) if isinstance(fact.atom, Column)]
    everybody = joined(" AND ", [_EVERYBODY, *own])
    drivers = {Driver(): estimate(everybody)}
    drivers |= {driver: _estimate_driver(driver) for driver in _candidates(formula)}
    return [_plan(formula, driver, expected) for driver, expected in drivers.items()]


def _plan(formula: Formula, driver: Driver, expected: Estimate) -> Plan:
    """Each atom is looked at for the contacts that are left, or read for all if that is less."""
    needed = _needed(formula)
    everybody = max(estimate(_EVERYBODY).rows, 1.0)

    def left(atom: Looked) -> float:
        """Which part of the contacts goes on after a look at the atom."""
        part = min(estimate(atom.all).rows / everybody, 1.0)
        return part if Fact(atom) in needed else 1 - part if Fact(atom, False) in needed else 1.0

    def price(atom: Looked) -> float:
        """Of each contact that a look at the atom rules out."""
        return _cost_of_a_look(atom) / max(1 - left(atom), 0.001)

    atoms = [atom for atom in atoms_of(formula) if isinstance(atom, Looked) and atom != driver.atom]
    rows, work = expected.rows, expected.cost + expected.rows * _COST_OF_A_CONTACT
    for_all: list[Looked] = []
    for atom in sorted(atoms, key=price):
        by_looks, at_once = rows * _cost_of_a_look(atom), _estimate_all(atom).cost
        if at_once < by_looks:
            for_all.append(atom)
        work += min(at_once, by_looks)
        rows *= left(atom)
    one_by_one = [atom for atom in sorted(atoms, key=price) if atom not in for_all]
    return Plan(driver, Looks(for_all, one_by_one), work)


def _estimate_driver(driver: Driver) -> Estimate:
    return _estimate_all(driver.atom) if driver.atom else estimate(_query(driver))


def _estimate_all(atom: Looked) -> Estimate:
    """Of reading an atom for all contacts.

    The log is in the order of time, but the planner does not know that of the index of types: it
    expects to read a page for each activity of a window.
    """
    expected = estimate(atom.all)
    if atom.read is None:
        return expected
    return Estimate(expected.rows, min(expected.cost, estimate(atom.read).rows * _COST_OF_A_ROW))


def _cost_of_a_look(atom: Looked) -> float:
    many = put("SELECT ({}) FROM generate_series(1::bigint, 1000) AS s (contact_id)", atom.one)
    return estimate(many).cost / 1000 * _CACHED


def _candidates(formula: Formula) -> list[Driver]:
    """Sets of contacts that have all members among them, and all whom time may make one."""
    if isinstance(formula, Fact):
        if formula.begins:
            return []
        if isinstance(formula.atom, Looked):
            return [Driver(atom=formula.atom)] if formula.positive else []
        return [Driver(put("{} AND {}", _EVERYBODY, _own(formula)))]
    each = [_candidates(part) for part in formula.parts]
    if formula.match == "all":
        return [candidate for candidates in each for candidate in candidates]
    if not all(each):
        return []
    best = [min(candidates, key=lambda one: estimate(_query(one)).rows) for candidates in each]
    queries = [put("SELECT contact_id FROM ({}) AS one", _query(candidate)) for candidate in best]
    return [Driver(joined(" UNION ", queries))]


def _query(candidate: Driver) -> Statement:
    query = candidate.atom.all if candidate.atom else candidate.contacts
    assert query is not None
    return query
