"""The tabs “Automations” and “Emails” of a contact's page."""

from django.http import HttpRequest

from adminsite.formatting import EMPTY, link_to
from automations.admin.emails import STATUS as EMAIL_STATUS
from automations.admin.listing import INSIDE
from automations.admin.permissions import may_see_emails, may_see_runs
from automations.admin.runs import STATUS as RUN_STATUS
from automations.admin.runs import until, where
from automations.admin.showing import became_of, name_of, subject_of
from automations.emails.permission import obstacles
from automations.models import Email, Run
from contacts.admin.permissions import may_see_contacts
from contacts.admin.sections import ContactSection, SectionContent, count_text, register_section
from contacts.models import Contact

_SHOWN = 50


def _runs_section(request: HttpRequest, contact: Contact) -> SectionContent:
    newest = list(
        Run.objects.filter(contact=contact)
        .select_related("automation")
        .order_by("-entered_at", "-id")[: _SHOWN + 1]
    )
    runs, is_cut = newest[:_SHOWN], len(newest) > _SHOWN
    inside = [run for run in runs if run.status in INSIDE]
    names = dict.fromkeys(run.automation.name for run in inside)
    return SectionContent(
        context={
            "runs": [
                (run, link_to(run, run.automation), RUN_STATUS(run), _where(run), until(run))
                for run in runs
            ],
            "is_cut": is_cut,
        },
        count=count_text(len(inside)),
        facts=[("In automations", ", ".join(names) or EMPTY)],
    )


def _where(run: Run) -> str:
    return where(run) if run.status in INSIDE else ""


def _emails_section(request: HttpRequest, contact: Contact) -> SectionContent:
    newest = list(
        Email.objects.filter(contact=contact)
        .select_related("template")
        .defer("html", "text")
        .order_by("-prepared_at", "-id")[: _SHOWN + 1]
    )
    emails, is_cut = newest[:_SHOWN], len(newest) > _SHOWN
    became = became_of(emails)
    shows_subjects = may_see_contacts(request.user)
    return SectionContent(
        context={
            "emails": [
                (
                    email,
                    link_to(email, subject_of(email) if shows_subjects else name_of(email)),
                    EMAIL_STATUS(email),
                    became.get(email.pk, ""),
                )
                for email in emails
            ],
            "shows_subjects": shows_subjects,
            "is_cut": is_cut,
            "obstacle": obstacles([contact.pk], consent_id=None).get(contact.pk, ""),
        },
        count=count_text(len(emails), is_cut=is_cut),
    )


register_section(
    ContactSection(
        slug="automations",
        title="Automations",
        position=24,
        may_see=may_see_runs,
        template="automations/sections/runs.html",
        build=_runs_section,
    )
)
register_section(
    ContactSection(
        slug="emails",
        title="Emails",
        position=26,
        may_see=may_see_emails,
        template="automations/sections/emails.html",
        build=_emails_section,
    )
)
