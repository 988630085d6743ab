from pathlib import Path

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings as hub
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from adminsite.models import AuditEntry
from adminsite.roles import give_roles
from destinations.models import Destination
from privacy.generated.record import record
from privacy.models import PrivacyProfile
from privacy.retention.kept import as_markdown
from tests.automations.running import make_automation
from tests.factories import (
    make_activity_type,
    make_channel,
    make_consent,
    make_group,
    make_rule,
)
from tests.privacy.old import rule_for

pytestmark = pytest.mark.django_db

INDEX, DOCUMENT = reverse("privacy_record:index"), reverse("privacy_record:document")
PROFILE = reverse("privacy_record:profile")


@pytest.fixture
def dpo(client):
    user = User.objects.create(username="dpo", is_staff=True)
    give_roles(user, ["dpo"])
    client.force_login(user)
    return client


def table(caption):
    """The rows of the table with this caption."""
    (found,) = [one.rows for part in record() for said, one in part.tables if said == caption]
    return list(found)


def test_the_record_names_what_the_hub_is_set_to_do():
    consent = make_consent("Marketing", name="Marketing", older_versions_count=False)
    make_channel(name="Shop", kind="website", domain="shop.example.com", tracking_consent=consent)
    loan = make_activity_type(name="Loan")
    make_rule(loan, "income", is_personal=True)
    make_group(name="Interested", description="Who asked for a loan", static=False)
    make_automation(name="Welcome")
    Destination.objects.create(
        name="CRM",
        code_name="crm",
        enabled=True,
        url="https://key:secret@crm.example.com/hook?token=abc",
        activities=["Loan"],
        changes=True,
        fields=["first_name"],
        email="sha256",
        consent=consent,
    )
    rule_for(loan, days=395, enabled=True, enabled_at=timezone.now())

    assert table("Consents") == [("Marketing", "Marketing", "has to be given anew for a new text")]
    assert (
        "Shop",
        "Website (a main site with a domain)",
        "shop.example.com",
        "Marketing",
    ) in table("Where it comes from")
    assert ("Loan", loan.code_name, "income", "on") in table("Activity types")
    assert table("Contact groups") == [("Interested", "Who asked for a loan", "a rule")]
    assert table("Automations") == [("Welcome", "on")]
    assert table("Destinations") == [
        (
            *("CRM", "Webhook", "crm.example.com"),
            "activities: Loan; changes of contacts",
            "GUID, hash of the email, first_name",
            *("Marketing", "on"),
        )
    ]
    assert table("Rules") == [("Activities of the type “Loan” are deleted after 13 months", "on")]


def test_a_hub_without_anything_says_so(dpo):
    html = dpo.get(INDEX).text

    assert "Not entered yet: controller." in html
    assert "There is no rule: activities and contacts are kept until they are erased." in html
    assert "The hub sends nothing to other systems." in html


def test_security_is_what_is_the_case(settings):
    users = [User.objects.create(username=name, is_staff=True) for name in ("a", "b", "c")]
    give_roles(users[0], ["marketer"])
    Authenticator.objects.create(user=users[0], type="totp", data={})
    Authenticator.objects.create(user=users[0], type="webauthn", data={})
    Authenticator.objects.create(user=users[1], type="recovery_codes", data={})
    User.objects.create(username="gone", is_staff=True, is_active=False)

    def said():
        return record()[-1].says

    assert said()[0] == "1 of 3 users of the admin have a second factor or a passkey."
    assert said()[-1] == "This hub does not run in production: HTTPS is not required."
    settings.PRODUCTION, settings.SECURE_HSTS_SECONDS = True, 31_536_000
    assert said()[-1] == "Browsers are told to use HTTPS only."
    assert {row[0]: row[2] for row in table("Roles")}["Marketer"] == "1"


def test_what_the_hub_cannot_know_is_entered(dpo):
    assert "Enter what the hub cannot know" in dpo.get(INDEX).text

    answer = dpo.post(PROFILE, {"controller": "Alder Bank <b>AG</b>\n\nVienna"}, follow=True)

    assert "Alder Bank &lt;b&gt;AG&lt;/b&gt;" in answer.text
    assert "Not entered yet: controller." not in answer.text
    profile = PrivacyProfile.objects.get()
    assert (profile.pk, profile.controller) == (1, "Alder Bank <b>AG</b>\n\nVienna")
    dpo.post(PROFILE, {"officer": "Mia"})
    assert PrivacyProfile.objects.get().officer == "Mia"
    assert "Mia" in dpo.get(PROFILE).text
    assert AuditEntry.objects.filter(model="privacy.privacyprofile").count() == 2


def test_nul_in_a_text_is_refused_and_the_rest_kept(dpo):
    page = dpo.post(PROFILE, {"controller": "a\0b", "officer": "Mia"})

    assert page.status_code == 200
    assert "Null characters are not allowed." in page.text
    assert "Mia" in page.text
    assert not PrivacyProfile.objects.exists()


def test_the_document_needs_nothing_else(dpo):
    PrivacyProfile.objects.create(controller="Alder Bank")

    shown = dpo.get(DOCUMENT)
    taken = dpo.get(DOCUMENT, {"download": "1"})

    for answer in (shown, taken):
        assert "<h1>Record of processing activities</h1>" in answer.text
        assert "Alder Bank" in answer.text
        assert "<script" not in answer.text
        assert "<link" not in answer.text
    assert "Content-Disposition" not in shown.headers
    name = f"record-of-processing-{timezone.localdate():%Y-%m-%d}.html"
    assert taken.headers["Content-Disposition"] == f'attachment; filename="{name}"'


@pytest.mark.parametrize("role", ["marketer", "developer"])
def test_the_record_is_for_officers_and_operators(client, role):
    user = User.objects.create(username="u", is_staff=True)
    give_roles(user, [role])
    client.force_login(user)

    answers = [client.get(address).status_code for address in (INDEX, DOCUMENT, PROFILE)]

    assert answers == [403, 403, 403]


@pytest.mark.parametrize("rows", [1, 3])
def test_the_record_takes_a_constant_number_of_queries(
    admin_client, rows, django_assert_num_queries
):
    for number in range(rows):
        consent = make_consent(f"consent-{number}")
        make_channel(tracking_consent=consent)
        make_rule(make_activity_type(f"type-{number}"), is_personal=True)
        make_group(f"group-{number}")
        make_automation(code_name=f"a-{number}")
        Destination.objects.create(name="D", code_name=f"d-{number}", consent=consent)
        rule_for(make_activity_type(f"other-{number}"), days=30)
    admin_client.get(DOCUMENT)

    with django_assert_num_queries(DOCUMENT_QUERIES):
        admin_client.get(DOCUMENT)


DOCUMENT_QUERIES = 14


def test_the_documentation_says_what_is_kept_and_for_how_long():
    text = Path(hub.BASE_DIR / "docs" / "privacy.md").read_text()

    missing = [line for line in as_markdown().splitlines() if line not in text]

    assert missing == []
