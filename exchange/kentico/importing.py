"""Importing contact groups of Kentico: each becomes a group that can be edited, or a reason."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from consents.models import Consent
from database.letter_case import fold
from exchange.kentico.conditions import There, groups_named_by, translate
from exchange.kentico.files import KenticoGroup, Unreadable, read_groups
from exchange.kentico.macros import Branch, read_condition
from exchange.problems import InvalidConfiguration
from groups.locks import lock_rules
from groups.models import ContactGroup, rule_for_everybody
from groups.rules import InvalidRule
from groups.saving import save_group

_WIDER = (
    "Without that, the group would have more members than in Kentico: it is switched off until you "
    "have completed its rule."
)
_NO_CONDITION = "It has no condition: nobody is in it until you give it one."
_NOBODY: dict[str, Any] = {"match": "any", "conditions": []}


@dataclass
class Imported:
    """What became of the groups: by code name, or by the name of the file if it has none."""

    created: list[str] = field(default_factory=list)
    partly: dict[str, list[str]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Candidate:
    """A group that may be created, with its rules; None if it has no condition."""

    group: KenticoGroup
    branch: Branch | None

    @property
    def key(self) -> str:
        """Its code name, in one letter case."""
        return fold(self.group.code_name)


@transaction.atomic
def import_groups(folder: Path) -> Imported:
    """Create the contact groups whose files are in `folder`; one that cannot be stops no other.

    :raises InvalidConfiguration: if there is nothing to import from, or the hub is read-only
    """
    if settings.READ_ONLY:
        raise InvalidConfiguration("The hub is read-only.")
    found = list(read_groups(folder))
    lock_rules()
    return _Import().run(found)


class _Import:
    """One import, in its transaction."""

    def __init__(self) -> None:
        self.imported = Imported()
        self._consents = {fold(name) for name in _code_names(Consent)}
        self._groups = {fold(name): name for name in _code_names(ContactGroup)}

    def run(self, found: Iterable[tuple[Path, KenticoGroup | Unreadable]]) -> Imported:
        """Create what can be created of these groups."""
        candidates: dict[str, _Candidate] = {}
        for file, group in found:
            try:
                candidate = self._candidate(file, group, candidates)
            except _Refused as error:
                self.imported.refused[error.about] = str(error)
            else:
                candidates[candidate.key] = candidate
        guids = {one.group.guid: key for key, one in candidates.items() if one.group.guid}
        needed = {key: _needed_by(one, candidates, guids) for key, one in candidates.items()}
        for key in self._in_order(candidates, needed):
            self._create(candidates[key], guids)
        self.imported.created.sort()
        return self.imported

    def _candidate(
        self, file: Path, group: KenticoGroup | Unreadable, others: Mapping[str, _Candidate]
    ) -> _Candidate:
        if isinstance(group, Unreadable):
            raise _Refused(file.name, str(group))
        if other := others.get(fold(group.code_name)):
            detail = f"{other.group.file.name} has a group with the same code name."
            raise _Refused(file.name, detail)
        if fold(group.code_name) in self._groups:
            detail = (
                "The hub has a contact group with this code name already, which stays as it is."
            )
            raise _Refused(group.code_name, detail)
        if group.is_recipient_list or not group.condition:
            return _Candidate(group, None)
        try:
            return _Candidate(group, read_condition(group.condition))
        except Unreadable as error:
            raise _Refused(group.code_name, str(error)) from error

    def _in_order(
        self, candidates: Mapping[str, _Candidate], needed: Mapping[str, Collection[str]]
    ) -> list[str]:
        """Each group after those that it names; what goes round in a circle is refused."""
        while True:
            try:
                return list(TopologicalSorter(needed).static_order())
            except CycleError as error:
                circle = error.args[1][::-1]
                way = " → ".join(candidates[key].group.code_name for key in circle)
                for key in circle[1:]:
                    detail = f"It is a condition of itself: {way}."
                    self.imported.refused[candidates[key].group.code_name] = detail
                left = needed.keys() - set(circle)
                needed = {key: set(needed[key]) & left for key in needed if key in left}

    def _create(self, candidate: _Candidate, guids: Mapping[str, str]) -> None:
        group, enabled = candidate.group, candidate.group.enabled
        reasons: list[str] = []
        rule: dict[str, Any] | None = _NOBODY
        if candidate.branch and candidate.branch.nodes:
            translated = translate(candidate.branch, self._there(guids))
            reasons, rule = translated.reasons, translated.rule
            if rule is None:
                detail = f"Nothing is left of its condition. {' '.join(reasons)}"
                self.imported.refused[group.code_name] = detail
                return
            if translated.wider:
                reasons, enabled = [*reasons, _WIDER], False
        elif not group.is_recipient_list:
            reasons = [_NO_CONDITION]
        new = ContactGroup(
            code_name=group.code_name,
            name=group.name,
            description=group.description,
            enabled=enabled,
            static=group.is_recipient_list,
            rule=rule_for_everybody() if group.is_recipient_list else rule,
        )
        if problem := _save(new):
            self.imported.refused[group.code_name] = problem
            return
        self._groups[candidate.key] = group.code_name
        if reasons:
            self.imported.partly[group.code_name] = reasons
        else:
            self.imported.created.append(group.code_name)

    def _there(self, guids: Mapping[str, str]) -> There:
        by_guid = {guid: self._groups[key] for guid, key in guids.items() if key in self._groups}
        return There(self._consents, by_guid | self._groups, self.imported.partly)


class _Refused(ValueError):
    """A group that cannot be imported; the message says why, `about` which one."""

    def __init__(self, about: str, detail: str):
        super().__init__(detail)
        self.about = about


def _save(group: ContactGroup) -> str:
    """Save a new group; return why it cannot be."""
    try:
        with transaction.atomic():
            save_group(group)
    except InvalidRule as error:
        return f"The hub cannot have its rule: {error}"
    except ValidationError as error:
        return " ".join(f"{name}: {text}" for name, [text, *_] in error.message_dict.items())
    except IntegrityError:
        return "Another group was saved with this code name at the same time. Import it again."
    return ""


def _needed_by(
    candidate: _Candidate, candidates: Mapping[str, _Candidate], guids: Mapping[str, str]
) -> set[str]:
    names = groups_named_by(candidate.branch) if candidate.branch else set()
    return {guids.get(name, name) for name in names} & candidates.keys()


def _code_names(model: type[Consent | ContactGroup]) -> Iterable[str]:
    return model._default_manager.values_list("code_name", flat=True)
