"""Saving and deleting templates: what users, files and code do comes here."""

from collections.abc import Iterator
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from automations.emails.blocks import InvalidTemplate, read_blocks
from automations.emails.errors import CannotRender, Missing, TooMuch
from automations.emails.links import Links
from automations.emails.personalising import read_text
from automations.emails.rendering import Compiled
from automations.emails.samples import sample_links, sample_values
from automations.models import Automation, Run, Template, Version
from consents.models import Consent
from database.letter_case import fold

_LINES = ("subject", "preheader", "from_name")
_INSIDE = (Run.Status.RUNNING, Run.Status.PAUSED)


class TemplateInUse(ValueError):
    """A template cannot be deleted; the message says what needs it, for the user who tried."""


@transaction.atomic
def save_template(template: Template) -> None:
    """Check and save a template, with its blocks in their normal form and their HTML cleaned.

    :raises ValidationError: with the place of the first mistake in each field
    """
    old = Template.objects.select_for_update(no_key=True).filter(pk=template.pk).first()
    if old is None and not template._state.adding:
        raise ValidationError("Another user has deleted this template meanwhile.")
    check_template(template)
    is_renamed = old is not None and fold(old.code_name) != fold(template.code_name)
    if old is not None and is_renamed and (users := automations_that_send(old)):
        raise ValidationError(
            {"code_name": f"Keep the code name: “{users[0]}” names the template by it."}
        )
    template.changed_at = timezone.now()
    template.full_clean()
    template.save(force_insert=old is None, force_update=old is not None)


def check_template(template: Template) -> None:
    """Refuse what no email can be made of, and bring the blocks into their normal form.

    :raises ValidationError: with the place of the first mistake in each field
    """
    errors: dict[str, list[str]] = {}
    for name in _LINES:
        try:
            _check_line(name, getattr(template, name))
        except CannotRender as error:
            errors[name] = [error.reason]
    try:
        template.blocks = read_blocks(template.blocks)
    except InvalidTemplate as error:
        errors["blocks"] = [str(error)]
    if errors:
        raise ValidationError(errors)
    compiled = Compiled(template)
    _check_size(template, compiled)
    _check_consents(compiled)


def automations_that_send(template: Template) -> list[Automation]:
    """The automations that name a template, or have contacts inside who are to get it."""
    inside = Run.objects.filter(version=OuterRef("pk"), status__in=_INSIDE)
    waited_for = Version.objects.filter(Exists(inside)).select_related("automation")
    found = {
        automation.pk: automation
        for automation, steps in (
            *((one, one.steps) for one in Automation.objects.filter(archived_at__isnull=True)),
            *((version.automation, version.steps) for version in waited_for),
        )
        if fold(template.code_name) in map(fold, templates_in(steps))
    }
    return sorted(found.values(), key=lambda automation: (automation.name, automation.pk))


def templates_in(steps: Any) -> Iterator[str]:
    """The code names of the templates that steps in JSON send."""
    if isinstance(steps, list):
        for step in steps:
            yield from templates_in(step)
    elif isinstance(steps, dict):
        if steps.get("type") == "email" and isinstance(steps.get("template"), str):
            yield steps["template"]
        for name in ("then", "else", "branches"):
            yield from templates_in(steps.get(name))


def transactional_in(steps: Any) -> list[Template]:
    """The templates that steps in JSON send to contacts who have agreed to nothing."""
    names = sorted({fold(name) for name in templates_in(steps)})
    rows = Template.objects.filter(code_name__fold__in=names, consent=None)
    return list(rows.order_by("name", "pk"))


def check_unused(template: Template) -> None:
    """Refuse to delete a template that automations send.

    :raises TemplateInUse: naming them
    """
    if users := automations_that_send(template):
        named = ", ".join(f"“{one}”" for one in users[:5])
        raise TemplateInUse(
            f"“{template}” cannot be deleted: {named} send it, or contacts wait for it there. Take "
            "it out of the steps first, or archive the automation."
        )


@transaction.atomic
def delete_template(template: Template) -> None:
    """Delete a template; the emails that were sent of it stay.

    :raises TemplateInUse: if automations send it
    """
    list(Template.objects.select_for_update().filter(pk=template.pk))
    check_unused(template)
    template.delete()


def _check_line(name: str, text: str) -> None:
    if any(character in text for character in "\r\n\x0b\x0c\x85\u2028\u2029"):
        raise CannotRender("This is one line: take the line break out.")
    if name == "subject" and not text.strip():
        raise CannotRender("An email needs a subject.")
    if name != "from_name":
        read_text(text, "none")


def _check_size(template: Template, compiled: Compiled) -> None:
    """Refuse a template that takes too long, or becomes too long."""
    links = sample_links()
    try:
        _try(compiled, links)
    except TooMuch as error:
        for number, block in enumerate(template.blocks):
            alone = Template(subject="x", blocks=[block])
            try:
                _try(Compiled(alone), links)
            except TooMuch as found:
                raise ValidationError({"blocks": f"blocks[{number}]: {found.reason}"}) from found
        raise ValidationError({"blocks": error.reason}) from error


def _try(compiled: Compiled, links: Links) -> None:
    try:
        compiled.render(sample_values(compiled.event_names), links)
    except TooMuch:
        raise
    except (Missing, CannotRender):
        # What a sample does not have, a contact may have.
        return


def _check_consents(compiled: Compiled) -> None:
    for code_name in sorted(compiled.consents):
        if not Consent.objects.filter(code_name__iexact=code_name).exists():
            raise ValidationError(
                {"blocks": f"There is no consent “{code_name}”, which a link is to confirm."}
            )
