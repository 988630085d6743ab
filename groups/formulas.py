"""What conditions come to in SQL: formulas of atoms, each of which is true of a contact or not.

An atom says when time alone may change it. `begins`: it may come to hold, as “is 18” does. `ends`:
it may cease to hold, as “within 30 days” does.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal


@dataclass(frozen=True)
class Statement:
    """SQL with the placeholders of psycopg, and what they stand for."""

    sql: str
    params: tuple[Any, ...] = ()


def put(template: str, *parts: Any) -> Statement:
    """`template` with each `{}` replaced: by a statement, or else by a placeholder for the value.

    Lists are given as tuples, so that statements can be compared.
    """
    texts = template.split("{}")
    sql, params = texts[0], list[Any]()
    for part, text in zip(parts, texts[1:], strict=True):
        if isinstance(part, Statement):
            sql, params = f"{sql}{part.sql}{text}", [*params, *part.params]
        else:
            sql, params = f"{sql}%s{text}", [*params, part]
    return Statement(sql, tuple(params))


def joined(separator: str, statements: Sequence[Statement]) -> Statement:
    """These statements with `separator` between them."""
    return put(separator.join("{}" for _ in statements), *statements)


@dataclass(frozen=True)
class Column:
    """An atom that the row of the contact decides, `c` in the SQL. NULL does not hold.

    :param due: SQL of the instant at which it turns, or NULL; only if it begins or ends
    :param on_blank: whether it can hold for a contact without any field
    """

    holds: Statement
    due: Statement | None = None
    begins: bool = False
    ends: bool = False
    on_blank: bool = False


@dataclass(frozen=True)
class Looked:
    """An atom that rows of another table decide.

    :param one: a scalar subquery about the contact `{contact}`; it holds if the value is not NULL
    :param all: a query for `contact_id` and that value, `found`, of all contacts for which it holds
    :param hours: if given, the value is a time, and the atom ends so many hours later
    :param read: a query for the rows that `all` reads, if they stand together in the table
    :param cost: of looking at one contact, for statements about few, which ask no planner
    """

    one: Statement
    all: Statement
    hours: int | None = None
    cost: float = 2.0
    read: Statement | None = None

    @property
    def begins(self) -> bool:
        """Rows do not come to match by time alone."""
        return False

    @property
    def ends(self) -> bool:
        """Whether the window closes."""
        return self.hours is not None


Atom = Column | Looked


@dataclass(frozen=True)
class Fact:
    """An atom, or that it does not hold."""

    atom: Atom
    positive: bool = True

    @property
    def begins(self) -> bool:
        """Whether time alone may make it hold."""
        return self.atom.begins if self.positive else self.atom.ends


@dataclass(frozen=True)
class Of:
    """Formulas of which all have to hold, or any."""

    match: Literal["all", "any"]
    parts: tuple["Formula", ...]


Formula = Fact | Of
EVERYBODY = Of("all", ())
NOBODY = Of("any", ())


def of(match: Literal["all", "any"], parts: Sequence[Formula]) -> Formula:
    """`parts` as one formula, without a level that says nothing."""
    flat: list[Formula] = []
    for part in parts:
        if isinstance(part, Of) and (part.match == match or len(part.parts) == 1):
            flat += part.parts
        else:
            flat.append(part)
    # What everybody is, or nobody, decides alone.
    decisive = NOBODY if match == "all" else EVERYBODY
    if decisive in flat:
        return decisive
    return flat[0] if len(flat) == 1 else Of(match, tuple(dict.fromkeys(flat)))


def negated(formula: Formula) -> Formula:
    """The formula that holds where this one does not, with the negation at the atoms."""
    if isinstance(formula, Fact):
        return replace(formula, positive=not formula.positive)
    other: Literal["all", "any"] = "any" if formula.match == "all" else "all"
    return Of(other, tuple(negated(part) for part in formula.parts))


def atoms_of(formula: Formula) -> list[Atom]:
    """The atoms of a formula, each once, in order."""
    if isinstance(formula, Fact):
        return [formula.atom]
    return list(dict.fromkeys(atom for part in formula.parts for atom in atoms_of(part)))


def may_be_alive(formula: Formula) -> bool:
    """Whether a contact without fields, activities or answers can match, now or by time alone."""
    if isinstance(formula, Of):
        alive = (may_be_alive(part) for part in formula.parts)
        return all(alive) if formula.match == "all" else any(alive)
    if formula.begins:
        return True
    if isinstance(formula.atom, Looked):
        return not formula.positive
    return formula.atom.on_blank if formula.positive else not formula.atom.on_blank
