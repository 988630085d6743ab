"""What is configured of the rooms below: activity types, consents, channels, contact groups."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ValidationError

from activities.event_names import why_no_event_name
from activities.models import ActivityType, PropertyRule
from channels.models import Channel
from consents.models import Consent, ConsentText
from consents.texts import as_tag, check_language, check_short_text, save_text, withdraw_text
from exchange.kinds import Kind
from exchange.members import (
    Column,
    Finder,
    Reference,
    Rows,
    check_object,
    check_text,
    check_value,
)
from exchange.problems import InvalidMember
from groups.conditions import condition_of
from groups.locks import lock_rules
from groups.models import ContactGroup
from groups.names import Kind as NameKind
from groups.names import model_of
from groups.problems import paths_of
from groups.rules import InvalidRule, parse, to_json
from groups.saving import save_group


@contextmanager
def _at(path: str) -> Iterator[None]:
    """Say of what is refused inside that it is at `path` of the member."""
    try:
        yield
    except InvalidMember as error:
        below = f".{error.path}" if error.path else ""
        raise InvalidMember(error.detail, path + below) from error
    except ValidationError as error:
        raise InvalidMember(" ".join(error.messages), path) from error


class Texts(Rows):
    """The current texts of a consent by language, each `{short, full}`.

    A language that is left out stays as it is; one that is null is withdrawn.
    """

    _FIELDS = {"short": "short_text", "full": "full_text"}

    def check(self, value: object) -> dict[str, dict[str, str] | None]:
        languages: dict[str, str] = {}
        checked: dict[str, dict[str, str] | None] = {}
        for language, text in check_object(value).items():
            with _at(language):
                check_language(language)
                if languages.setdefault(as_tag(language), language) != language:
                    raise InvalidMember("This language is there twice.")
                checked[language] = None if text is None else self._check_text(text)
        return checked

    def get(self, row: Consent) -> dict[str, dict[str, str]]:
        current = (text for text in row.texts.all() if text.superseded_at is None)
        return {
            text.language: {name: getattr(text, field) for name, field in self._FIELDS.items()}
            for text in sorted(current, key=lambda text: as_tag(text.language))
        }

    def save(self, row: Consent, value: dict[str, dict[str, str] | None]) -> bool:
        current = row.texts.filter(superseded_at__isnull=True)
        by_language = {as_tag(text.language): text for text in current}
        changed = False
        for language, text in value.items():
            with _at(language):
                now = by_language.get(as_tag(language))
                changed |= self._save(row, language, now, text)
        return changed

    def _check_text(self, text: object) -> dict[str, str]:
        checked = {}
        for name, html in check_object(text, self._FIELDS).items():
            with _at(name):
                # Forms take away what is around a text as well.
                checked[name] = check_text(html).strip()
                if name == "short":
                    check_short_text(html)
        return checked

    def _save(
        self,
        consent: Consent,
        language: str,
        now: ConsentText | None,
        text: dict[str, str] | None,
    ) -> bool:
        if text is None:
            if now is not None:
                withdraw_text(now)
            return now is not None
        if now is None and "short" not in text:
            raise InvalidMember("A new text needs a short one.", "short")
        fields = {self._FIELDS[name]: html for name, html in text.items()}
        if now is not None:
            language = now.language
            fields = {field: getattr(now, field) for field in self._FIELDS.values()} | fields
        return save_text(consent, language=language, **fields) != now


class Rules(Rows):
    """The property rules of an activity type: a list, which takes the place of the one before."""

    _FIELDS = {
        field.name: field
        for field in PropertyRule._meta.fields
        if field.name in ("name", "kind", "structure", "required", "format", "is_personal")
    }

    def check(self, value: object) -> list[dict[str, Any]]:
        if not isinstance(value, list):
            raise InvalidMember("This has to be a list of rules.")
        rules: list[dict[str, Any]] = []
        for index, one in enumerate(value):
            with _at(f"[{index}]"):
                rule = self._check_rule(one)
                if rule["name"] in [other["name"] for other in rules]:
                    raise InvalidMember("Another rule is for this property.", "name")
                rules.append(rule)
        return rules

    def get(self, row: ActivityType) -> list[dict[str, Any]]:
        return [
            {name: getattr(rule, name) for name in self._FIELDS}
            for rule in sorted(row.property_rules.all(), key=lambda rule: rule.name)
        ]

    def save(self, row: ActivityType, value: list[dict[str, Any]]) -> bool:
        there = {rule.name: rule for rule in row.property_rules.all()}
        gone = there.keys() - {rule["name"] for rule in value}
        if gone:
            row.property_rules.filter(name__in=gone).delete()
        changed = bool(gone)
        for index, given in enumerate(value):
            with _at(f"[{index}]"):
                changed |= self._save(row, there.get(given["name"]), given)
        return changed

    def _check_rule(self, value: object) -> dict[str, Any]:
        rule = {}
        for name, given in check_object(value, self._FIELDS).items():
            with _at(name):
                rule[name] = check_value(self._FIELDS[name], given)
        if not rule.get("name"):
            raise InvalidMember("A rule needs the name of a property.", "name")
        return rule

    def _save(
        self, activity_type: ActivityType, now: PropertyRule | None, given: dict[str, Any]
    ) -> bool:
        rule = PropertyRule(activity_type=activity_type, **given)
        if now is not None:
            rule.pk, rule._state.adding = now.pk, False
            if all(getattr(now, name) == getattr(rule, name) for name in self._FIELDS):
                return False
        # Its type is there, and has no other rule of this name.
        rule.full_clean(exclude=["activity_type"])
        rule.save()
        return True


class Door(Column):
    """The format that a type was first seen in. That is history: a known type keeps its own."""

    def put(self, row: ActivityType, value: str, finder: Finder) -> None:
        if row._state.adding:
            super().put(row, value, finder)

    def dump(self, row: ActivityType) -> dict[str, Any]:
        return super().dump(row) if row.door else {}


class Rule(Column):
    """The rule of a contact group, in its normal form."""

    def check(self, value: object) -> dict[str, Any]:
        try:
            return to_json(parse(value))
        except InvalidRule as error:
            raise InvalidMember(error.detail, error.path) from error

    def references(self, value: Any) -> Iterator[Reference]:
        for path, leaf in paths_of(parse(value)):
            for kind, code_names in condition_of(leaf.type).names(leaf.members).items():
                # An activity type may be one that an event has yet to bring.
                if kind != NameKind.ACTIVITY_TYPE:
                    for code_name in code_names:
                        yield Reference(model_of(kind), code_name, path)

    def dump(self, row: ContactGroup) -> dict[str, Any]:
        if row.static:  # nobody is in it by its rule, and what that names may be gone
            return {}
        try:
            # With the members in the order in which people read them; the database has its own.
            return {self.name: self.check(self.get(row))}
        except InvalidMember:  # it has a condition that the hub has no more
            return super().dump(row)


def _check_channel(channel: Channel, changed: Collection[str], given: Collection[str]) -> None:
    if channel.kind == Channel.Kind.HEADLESS and "domain" not in given:
        # What is no website any more has no domain, as in the admin.
        channel.domain = ""


def _check_type(
    activity_type: ActivityType, changed: Collection[str], given: Collection[str]
) -> None:
    if activity_type.is_system and "name" in changed:
        raise ValidationError({"name": "System types keep their names."})
    if activity_type.is_system and activity_type.whitelisted:
        raise ValidationError({"whitelisted": "System types are never whitelisted."})
    if activity_type.door and (problem := why_no_event_name(activity_type.code_name)):
        raise ValidationError({"code_name": problem.detail})


def _check_group(group: ContactGroup, changed: Collection[str], given: Collection[str]) -> None:
    # What a list has in place of a rule holds for everybody.
    if "static" in changed and not group.static and "rule" not in given and not group._state.adding:
        raise ValidationError(
            {"static": "The group is a list in the hub: give the rule that it is to have instead."}
        )


def _save_group(group: ContactGroup, changed: Collection[str]) -> None:
    try:
        save_group(group)
    except InvalidRule as error:
        raise ValidationError({"rule": str(error)}) from error


CONSENT = Kind(name="consent", model=Consent, more=[Texts("texts")], prefetch=["texts"])
CHANNEL = Kind(
    name="channel",
    model=Channel,
    called={"kind": "type"},
    secrets={"event_key", "source_key"},
    check=_check_channel,
)
ACTIVITY_TYPE = Kind(
    name="activity_type",
    model=ActivityType,
    more=[Door(ActivityType._meta.get_field("door")), Rules("property_rules")],
    prefetch=["property_rules"],
    check=_check_type,
)
CONTACT_GROUP = Kind(
    name="contact_group",
    model=ContactGroup,
    special={"rule": Rule},
    lock=lock_rules,
    check=_check_group,
    save=_save_group,
)
