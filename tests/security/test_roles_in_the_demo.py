"""Each role walks through the demo: no link leads to what is not theirs, and nobody is named."""

import html
import re
from collections import Counter
from io import StringIO
from urllib.parse import urljoin, urlsplit

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from django.urls import Resolver404, resolve

from config.demo.loading import ROLE_LOGINS
from config.roles import DEVELOPER
from contacts.models import Contact

# The walks are long: one process has them.
pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("walks through the demo")]

# So many pages of one kind are enough; lists have far more links.
_OF_A_KIND = 3
_HREF = re.compile(r'(?:href|hx-get)="(/[^"#]*)')
# Pages that ask another server, or end the walk.
_LEFT_OUT = ("/admin/logout/", "/admin/two-factor/", "/admin/jsi18n/", "/static/")


@pytest.fixture(scope="module")
def pages(django_db_setup, django_db_blocker):
    """For each role the pages that a walk from the dashboard reached, by address."""
    with django_db_blocker.unblock(), transaction.atomic():
        call_command("load_demo_data", stdout=StringIO())
        yield {role: walk(role) for role in ROLE_LOGINS}
        transaction.set_rollback(True)


def walk(role):
    client = Client()
    client.force_login(User.objects.get(username=role))
    found, waiting, kinds = {}, ["/admin/"], Counter()
    while waiting:
        url = waiting.pop()
        path = urlsplit(url).path
        if url in found or path.startswith(_LEFT_OUT):
            continue
        try:
            kind = (resolve(path).view_name, bool(urlsplit(url).query))
        except Resolver404:
            continue
        kinds[kind] += 1
        if kinds[kind] > _OF_A_KIND:
            continue
        answer = client.get(url)
        is_page = answer.headers.get("Content-Type", "").startswith("text/html")
        text = answer.text if is_page and not answer.streaming else ""
        found[url] = (answer.status_code, text)
        links = [urljoin(url, html.unescape(one)) for one in _HREF.findall(text)]
        waiting += [one for one in links if one.startswith(("/admin/", "/api/docs"))]
        if "Location" in answer.headers:
            waiting.append(urljoin(url, answer.headers["Location"]))
    return found


@pytest.mark.parametrize("role", ROLE_LOGINS)
def test_no_link_leads_to_an_error(pages, role):
    wrong = {url: status for url, (status, _) in pages[role].items() if status >= 400}

    assert wrong == {}
    assert len(pages[role]) > 15


def test_a_developer_sees_no_personal_data(pages):
    people = Contact.objects.exclude(email="", last_name="")
    told = {
        word
        for person in people
        for word in (person.email, person.full_name, person.mobile_phone, person.business_phone)
        if len(word) > 5 and (" " in word or "@" in word or word.startswith("+"))
    }
    assert len(told) > 50

    leaks = {
        url: found
        for url, (_, text) in pages[DEVELOPER].items()
        if (found := [one for one in told if one.lower() in html.unescape(text).lower()])
    }

    assert leaks == {}
