"""The page that confirms an erasure: only of the person whom the user has seen there."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from contacts.models import Erasure
from privacy.admin import erase_page
from tests.contacts.merged import merge
from tests.factories import make_contact
from tests.privacy.asked import ask_and_check

pytestmark = pytest.mark.django_db

TYPED = {"ground": "consent", "typed": "ann@example.com"}


@pytest.fixture
def ann():
    return make_contact(email="ann@example.com")


@pytest.fixture
def url(dpo, ann):
    request = ask_and_check("erasure", ann, by=dpo.officer)
    return reverse("admin:privacy_personrequest_erase", args=[request.pk])


def shown_on(client, url):
    return client.get(url).context["form"]["shown"].value()


@pytest.mark.parametrize("given", [{}, {"shown": ""}, {"shown": "0123456789abcdef"}])
def test_a_form_that_does_not_say_who_was_seen_erases_nobody(dpo, url, given):
    page = dpo.post(url, {**TYPED, **given}, follow=True)

    assert page.redirect_chain == [(url, 302)]
    assert "at what goes, then confirm" in page.text
    assert not Erasure.objects.exists()
    dpo.post(url, {**TYPED, "shown": page.context["form"]["shown"].value()})
    assert Erasure.objects.count() == 1


@pytest.mark.parametrize("needs_two", [False, True])
def test_somebody_who_was_merged_since_is_looked_at_again(dpo, ann, url, settings, needs_two):
    settings.ERASURE_NEEDS_TWO = needs_two
    client = dpo
    if needs_two:
        dpo.post(url, {**TYPED, "shown": shown_on(dpo, url)})
        client = Client()
        client.force_login(User.objects.create_superuser("ben"))
    shown = shown_on(client, url)
    merge(ann, make_contact())

    page = client.post(url, {**TYPED, "shown": shown}, follow=True)

    assert page.redirect_chain == [(url, 302)]
    assert "merged with another since you opened the page" in page.text
    assert not Erasure.objects.exists()


def test_a_merge_after_the_form_has_come_is_seen_as_well(dpo, ann, url, monkeypatch):
    ask_or_erase = erase_page.ask_or_erase

    def ask_after_a_merge(*args, **kwargs):
        merge(ann, make_contact())
        return ask_or_erase(*args, **kwargs)

    shown = shown_on(dpo, url)
    monkeypatch.setattr(erase_page, "ask_or_erase", ask_after_a_merge)

    page = dpo.post(url, {**TYPED, "shown": shown}, follow=True)

    assert "merged with another since you opened the page" in page.text
    assert not Erasure.objects.exists()
