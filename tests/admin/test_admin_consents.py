import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from adminsite.formatting import change_url, changelist_url
from consents.agreements import record_agreement
from consents.models import Consent, ConsentAgreement, ConsentText
from consents.texts import save_text
from tests.factories import make_channel, make_consent, make_contact

pytestmark = pytest.mark.django_db


def consent_form(consent, *texts):
    existing = [text for text in texts if "id" in text]
    form = {
        "name": consent.name,
        "code_name": consent.code_name,
        "default_language": consent.default_language,
        "texts-TOTAL_FORMS": len(texts),
        "texts-INITIAL_FORMS": len(existing),
    }
    for number, text in enumerate(texts):
        form |= {f"texts-{number}-{name}": value for name, value in text.items()}
    return form


def versions(consent):
    return list(
        consent.texts.order_by("language", "version").values_list(
            "language", "version", "short_text"
        )
    )


def test_a_changed_text_becomes_a_new_version(admin_client):
    consent = make_consent()
    text = consent.texts.get()

    admin_client.post(
        change_url(consent),
        consent_form(consent, {"id": text.pk, "language": "en", "short_text": "<p>New</p>"}),
    )

    assert versions(consent) == [("en", 1, "<p>May we?</p>"), ("en", 2, "<p>New</p>")]
    text.refresh_from_db()
    assert text.superseded_at is not None


def test_an_unchanged_text_stays_the_version_it_is(admin_client):
    consent = make_consent()
    text = consent.texts.get()

    admin_client.post(
        change_url(consent),
        consent_form(consent, {"id": text.pk, "language": "en", "short_text": text.short_text}),
    )

    assert versions(consent) == [("en", 1, "<p>May we?</p>")]


def test_a_text_in_a_new_language_is_cleaned_and_added(admin_client):
    consent = make_consent()
    text = consent.texts.get()

    admin_client.post(
        change_url(consent),
        consent_form(
            consent,
            {"id": text.pk, "language": "en", "short_text": text.short_text},
            {
                "language": "de",
                "short_text": "<p onclick='x()'>Dürfen wir?<script>x()</script></p>",
            },
        ),
    )

    assert versions(consent)[0] == ("de", 1, "<p>Dürfen wir?</p>")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ({"language": "EN", "short_text": "Again"}, "has a text in this language already"),
        ({"language": "not a code", "short_text": "x"}, "Write a language code"),
        ({"language": "de", "short_text": "<script>x</script>"}, "Nothing is left of this text"),
    ],
)
def test_a_text_that_cannot_be_is_refused(admin_client, text, error):
    consent = make_consent()
    current = consent.texts.get()

    response = admin_client.post(
        change_url(consent),
        consent_form(
            consent, {"id": current.pk, "language": "en", "short_text": current.short_text}, text
        ),
    )

    assert error in response.text
    assert versions(consent) == [("en", 1, "<p>May we?</p>")]


def test_a_withdrawn_text_stays_as_proof(admin_client):
    consent = make_consent()
    text = consent.texts.get()
    record_agreement(make_contact(), consent, agreed=True)

    response = admin_client.post(
        change_url(consent),
        consent_form(
            consent,
            {"id": text.pk, "language": "en", "short_text": text.short_text, "withdraw": "on"},
        ),
        follow=True,
    )

    text.refresh_from_db()
    assert text.superseded_at is not None
    assert ConsentAgreement.objects.get().text == text
    assert "There is no text in the default language" in response.text


def test_a_consent_is_added_with_its_first_text(admin_client):
    consent = Consent(name="Newsletter", code_name="newsletter", default_language="en")

    admin_client.post(
        reverse("admin:consents_consent_add"),
        consent_form(consent, {"language": "en", "short_text": "<p>News?</p>"}),
    )

    assert versions(Consent.objects.get()) == [("en", 1, "<p>News?</p>")]


def test_the_preview_shows_what_is_left_after_cleaning(admin_client):
    response = admin_client.post(
        reverse("admin:consents_consent_preview"),
        {"html": "<p>Hello <b>you</b><script>alert(1)</script></p>"},
    )

    assert response.text.endswith("<p>Hello <b>you</b></p></body>")
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_the_preview_is_for_people_who_may_log_in(client):
    response = client.post(reverse("admin:consents_consent_preview"), {"html": "x"})

    assert response.status_code == 302


@pytest.mark.parametrize(
    ("permission", "status"),
    [("view_consent", 403), ("add_consent", 200), ("change_consent", 200), (None, 403)],
)
def test_the_preview_is_for_people_who_may_write_consents(client, permission, status):
    user = User.objects.create(username="writer", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename=permission))
    client.force_login(user)

    response = client.post(reverse("admin:consents_consent_preview"), {"html": "x"})

    assert response.status_code == status


def test_texts_are_shown_in_frames_without_rights(admin_client):
    consent = make_consent()
    ConsentText.objects.update(short_text="<p>Stored <script>alert(1)</script></p>")

    html = admin_client.get(change_url(consent.texts.get())).text

    assert '<iframe class="tl-frame" sandbox=""' in html
    assert "&lt;p&gt;Stored &lt;/p&gt;" in html


def test_the_list_counts_the_people_who_agree_now(admin_client):
    consent = make_consent()
    revoked, agreed, agreed_again = make_contact(), make_contact(), make_contact()
    for contact, answers in (
        (revoked, [True, False]),
        (agreed, [True, True]),
        (agreed_again, [True, False, True]),
    ):
        for answer in answers:
            record_agreement(contact, consent, agreed=answer)

    page = admin_client.get(changelist_url(Consent))

    assert page.context["cl"].result_list[0].agreed_count == 2


def test_a_consent_with_answers_cannot_be_deleted(admin_client):
    consent = make_consent()
    record_agreement(make_contact(), consent, agreed=True)

    response = admin_client.post(
        reverse("admin:consents_consent_delete", args=[consent.pk]), {"post": "yes"}, follow=True
    )

    assert "cannot be deleted, because agreements refer to it." in response.text
    assert Consent.objects.filter(pk=consent.pk).exists()


def test_a_contact_shows_the_exact_text_that_it_answered(admin_client):
    consent, contact = make_consent(), make_contact()
    record_agreement(
        contact, consent, agreed=True, channel=make_channel(name="Mobile app"), language="en"
    )
    save_text(consent, language="en", short_text="<p>Changed since</p>")
    record_agreement(contact, consent, agreed=False)

    page = admin_client.get(change_url(contact))

    section = next(one for one in page.context["sections"] if one["section"].slug == "consents")
    content = section["content"].context
    assert [answer.agreed for answer, _ in content["current"]] == [False]
    assert [answer.text.version for answer, _ in content["ledger"]] == [2, 1]
    assert "&lt;p&gt;May we?&lt;/p&gt;" in page.text
    assert "Mobile app" in page.text


def test_filters_and_search_of_the_ledger(admin_client):
    consent, contact = make_consent(), make_contact(email="anna@example.com")
    record_agreement(contact, consent, agreed=True)
    record_agreement(make_contact(), make_consent("other"), agreed=False)

    for query in (
        f"consent__id__exact={consent.pk}",
        "agreed__exact=1",
        "q=anna@example.com",
        f"q={contact.guid}",
    ):
        html = admin_client.get(changelist_url(ConsentAgreement, query)).text
        assert "1 agreement<" in html
        assert "anna@example.com" in html
