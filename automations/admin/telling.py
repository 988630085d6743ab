"""Rules of automations that tell who a contact is: their counts are shown on its page."""

from collections.abc import Collection

from adminsite.permissions import AnyUser
from automations.admin.phrases import rules_in
from automations.models import Automation
from automations.steps import InvalidAutomation
from groups.admin import telling
from groups.rules import InvalidRule, parse


def check_may_save(user: AnyUser, automation: Automation, changed: Collection[str]) -> None:
    """Refuse rules in the `changed` fields, trigger or steps, that this user may not count.

    :raises InvalidAutomation: with what is asked for, and in which of the two
    """
    rules = []
    if "trigger" in changed and "rule" in automation.trigger:
        rules.append(("trigger.rule", automation.trigger["rule"], False))
    if "steps" in changed:
        rules += [("steps", rule, True) for _, rule in rules_in(automation.steps)]
    for path, rule, of_run in rules:
        try:
            telling.check_may_save(user, parse(rule, of_run=of_run))
        except InvalidRule as error:
            raise InvalidAutomation(path, error.detail) from error
