"""Loading configuration: everything that files say becomes so, or nothing does."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import IntegrityError, OperationalError, connection, models, transaction

from database.letter_case import fold
from exchange.files import Item, read_items
from exchange.kinds import Kind, all_kinds
from exchange.members import Reference
from exchange.problems import InvalidConfiguration, InvalidMember

# Any number will do, as long as nothing else in this database locks by it.
_LOCK = 7_246_803

# The kind of an object, and its code name in one letter case.
type _Key = tuple[str, str]


@dataclass
class Loaded:
    """What became of the objects of the files, each as `kind/code_name`, sorted."""

    created: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Given:
    """One object of a file, each of its members checked by itself."""

    file: str
    kind: Kind
    code_name: str
    values: Mapping[str, Any]

    @property
    def key(self) -> _Key:
        """The same for the same object, in whatever letter case its name is written."""
        return self.kind.name, fold(self.code_name)

    @property
    def label(self) -> str:
        return f"{self.kind.name}/{self.code_name}"

    @cached_property
    def references(self) -> list[tuple[str, Reference]]:
        """The objects that it names, each with the member that does."""
        return [
            (name, reference)
            for name, value in self.values.items()
            for reference in self.kind.members[name].references(value)
        ]

    def refuse(self, detail: str, member: str = "", path: str = "") -> InvalidConfiguration:
        """The error that this object is not as it has to be."""
        member = ".".join(part for part in (member, path) if part).replace(".[", "[")
        return InvalidConfiguration(detail, file=self.file, about=self.label, member=member)


def load(paths: Sequence[str | Path], *, dry_run: bool = False) -> Loaded:
    """Make the hub what these files and folders say, in one transaction.

    What they leave out stays as it is on an object that is there, and has its default on a new one.

    :param dry_run: find out what would become of each object, and change nothing
    :raises InvalidConfiguration: if anything of it cannot be; then nothing was changed
    """
    return load_items(read_items(paths), dry_run=dry_run)


def load_items(items: Iterable[Item], *, dry_run: bool = False) -> Loaded:
    """The same for what was read already."""
    if settings.READ_ONLY:
        raise InvalidConfiguration("The hub is read-only.")
    given = _without_repeats(_understand(item) for item in items)
    try:
        with transaction.atomic():
            # Two loads at once could each create an object of the same name.
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
            loaded = _Loading(given).load()
            if dry_run:
                transaction.set_rollback(True)
    except OperationalError as error:
        reason = str(error).partition("\n")[0]
        raise InvalidConfiguration(f"The database gave up, so load again: {reason}.") from error
    return loaded


def _understand(item: Item) -> Given:
    value, about = item.value, f"object {item.position}"
    if not isinstance(value, dict):
        detail = "Each object needs `kind`, `code_name` and its members; this is no object."
        raise InvalidConfiguration(detail, file=item.file, about=about)
    kinds = all_kinds()
    code_name, name = value.get("code_name"), value.get("kind")
    if isinstance(code_name, str) and code_name:
        about = f"{about}, “{code_name}”"
    if not isinstance(name, str) or name not in kinds:
        said = f"There is no kind “{name}”." if "kind" in value else "It says no kind."
        detail = f"{said} Kinds: {', '.join(kinds)}."
        raise InvalidConfiguration(detail, file=item.file, about=about, member="kind")
    if not isinstance(code_name, str) or not code_name:
        detail = "This has to be text; put it in quotes." if code_name else "Every object has one."
        raise InvalidConfiguration(detail, file=item.file, about=about, member="code_name")
    given = Given(item.file, kinds[name], code_name, {})
    members = {key: one for key, one in value.items() if key not in ("kind", "code_name")}
    return Given(item.file, kinds[name], code_name, dict(_check(given, members)))


def _check(given: Given, members: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in members.items():
        member = given.kind.members.get(name)
        if member is None:
            raise given.refuse(_unknown(given.kind, name), name)
        try:
            yield name, member.check(value)
        except InvalidMember as error:
            raise given.refuse(error.detail, name, error.path) from error


def _unknown(kind: Kind, name: str) -> str:
    likely = get_close_matches(name, kind.members, n=1)
    hint = f" Did you mean “{likely[0]}”?" if likely else ""
    return f"A {kind.title} has no such member.{hint} Members: {', '.join(kind.members)}."


def _without_repeats(objects: Iterable[Given]) -> dict[_Key, Given]:
    found: dict[_Key, Given] = {}
    for given in objects:
        other = found.setdefault(given.key, given)
        if other is not given:
            where = "the same file" if other.file == given.file else other.file
            raise given.refuse(f"This object is there twice; the other one is in {where}.")
    return found


class _Loading:
    """One load, in its transaction."""

    def __init__(self, given: Mapping[_Key, Given]):
        self._given = given
        self._kind_of = {kind.model: kind for kind in all_kinds().values()}
        # The objects of the hub that the files have or name.
        self._rows: dict[_Key, Any] = {}

    def load(self) -> Loaded:
        """Load everything, what is referred to first."""
        self._read()
        needed = {key: self._named_by(given) for key, given in self._given.items()}
        loaded = Loaded()
        for key in self._in_order(needed):
            given = self._given[key]
            getattr(loaded, self._load(given)).append(given.label)
        for labels in (loaded.created, loaded.changed, loaded.unchanged):
            labels.sort()
        return loaded

    def find(self, model: type[models.Model], code_name: str) -> Any:
        """The object of this model with this code name, which was checked to be there."""
        return self._rows[self._kind_of[model].name, fold(code_name)]

    def _read(self) -> None:
        """Read the objects that the files have, and those that they name."""
        named = {
            self._key_of(reference)
            for given in self._given.values()
            for _, reference in given.references
        }
        for kind in all_kinds().values():
            names = [name for kind_name, name in self._given if kind_name == kind.name]
            if names:
                kind.lock()
                rows = kind.objects().filter(code_name__fold__in=names)
                # Nobody edits them while they are compared.
                self._keep(kind, rows.select_for_update(of=("self",), no_key=True))
            more = [name for kind_name, name in named if kind_name == kind.name]
            if more := sorted(set(more) - set(names)):
                self._keep(kind, kind.objects().filter(code_name__fold__in=more))

    def _keep(self, kind: Kind, rows: Iterable[Any]) -> None:
        self._rows |= {(kind.name, fold(row.code_name)): row for row in rows}

    def _key_of(self, reference: Reference) -> _Key:
        return self._kind_of[reference.model].name, fold(reference.code_name)

    def _named_by(self, given: Given) -> list[_Key]:
        """The keys of what an object names.

        :raises InvalidConfiguration: if one stands neither in the files nor in the hub
        """
        found = []
        for name, reference in given.references:
            key = self._key_of(reference)
            if key in self._given or key in self._rows:
                found.append(key)
            elif not self._is_so_already(given, name):
                title = self._kind_of[reference.model].title
                detail = f"There is no {title} “{reference.code_name}”, here or in these files."
                raise given.refuse(detail, name, reference.path)
        return found

    def _is_so_already(self, given: Given, name: str) -> bool:
        """Whether the hub has the same already: what it names may have been deleted since."""
        row = self._rows.get(given.key)
        return row is not None and given.kind.members[name].get(row) == given.values[name]

    def _in_order(self, needed: Mapping[_Key, Collection[_Key]]) -> list[_Key]:
        """The objects of the files, each after those that it names.

        :raises InvalidConfiguration: if one names itself, perhaps through others
        """
        done: dict[_Key, None] = {}
        for first in needed:
            # Not by recursion: a chain may be longer than Python's stack.
            path, waiting = [first], [iter(needed[first])]
            while path:
                key = next(waiting[-1], None)
                if key is None:
                    done[path.pop()] = None
                    waiting.pop()
                elif key in path:
                    self._refuse_circle(path[path.index(key) :])
                elif key in needed and key not in done:
                    path.append(key)
                    waiting.append(iter(needed[key]))
        return list(done)

    def _refuse_circle(self, path: Sequence[_Key]) -> None:
        names = [self._given[key].code_name for key in (*path, path[0])]
        raise self._given[path[0]].refuse(f"It names itself: {' → '.join(names)}.")

    def _load(self, given: Given) -> str:
        """Load one object, and tell what became of it: `created`, `changed` or `unchanged`."""
        is_new = given.key not in self._rows
        row = given.kind.model(code_name=given.code_name) if is_new else self._rows[given.key]
        member = ""
        try:
            changed = self._save_columns(given, row)
            self._rows[given.key] = row
            for one in given.kind.rows:
                if one.name in given.values:
                    member = one.name
                    changed |= one.save(row, given.values[member])
        except ValidationError as error:
            raise given.refuse(*_told(error, given.kind)) from error
        except InvalidMember as error:
            raise given.refuse(error.detail, member, error.path) from error
        except IntegrityError as error:
            raise given.refuse(_broken_rule(error)) from error
        return "created" if is_new else "changed" if changed else "unchanged"

    def _save_columns(self, given: Given, row: Any) -> bool:
        """Give `row` the values of its columns; tell whether it was saved."""
        columns = given.kind.columns
        before = {column.name: column.get(row) for column in columns}

        def changed() -> list[str]:
            return [one.field.name for one in columns if one.get(row) != before[one.name]]

        for column in columns:
            if column.name in given.values:
                column.put(row, given.values[column.name], self)
        if not row._state.adding and not changed():
            return False
        given.kind.check(row, changed(), given.values.keys())
        row.full_clean()
        # Another spelling of what was there already is no change.
        if not row._state.adding and not changed():
            return False
        given.kind.save(row, changed())
        return True


def _told(error: ValidationError, kind: Kind) -> tuple[str, str]:
    """What is wrong, and with which member."""
    if not hasattr(error, "error_dict"):
        return " ".join(error.messages), ""
    field, messages = next(iter(error.message_dict.items()))
    member = "" if field == NON_FIELD_ERRORS else kind.member_of.get(field, field)
    return " ".join(messages), member


def _broken_rule(error: IntegrityError) -> str:
    diagnosis = getattr(error.__cause__, "diag", None)
    name = getattr(diagnosis, "constraint_name", None) or "unknown"
    return f"This breaks a rule of the database: {name.replace('_', ' ')}."
