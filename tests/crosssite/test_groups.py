"""The contact groups of a visitor: for main sites' code and templates, and for scripts."""

import pytest
from django.template import TemplateSyntaxError
from django.test import RequestFactory

from activities.models import Activity, RejectedActivity
from consents.agreements import record_agreement
from contacts.merging import request_merge
from contacts.models import Contact
from crosssite.models import BrowserHits
from tests.crosssite.browsers import MAIN, SHOP
from tests.crosssite.browsers import Browser as ScriptBrowser
from tests.crosssite.test_commands import BOTS
from tests.crosssite.test_django_main_site import (
    Browser,
    contact_of,
    make_agreed_contact,
    render,
)
from tests.factories import make_contact, make_group
from tests.work import do_merges

pytestmark = pytest.mark.django_db

MAIN_HOST = "main.example"
IN_GROUP = '{% in_group "loan-interest" as interested %}{% if interested %}A loan?{% endif %}'


@pytest.fixture
def ada(channel, consent):
    return make_agreed_contact(consent)


@pytest.fixture
def visitor(ada, channel):
    """The browser of Ada on the main site."""
    browser = Browser()
    browser.knows(ada, channel)
    return browser


def groups_of(request, response):
    return list(request.contact.groups)


def shown(request, response):
    return render(IN_GROUP, request=request)


# In code


def test_groups_are_code_names_in_order(ada, visitor):
    for code_name in ("vip", "Loan-interest", "newsletter"):
        make_group(code_name, members=[ada])
    make_group("others", members=[make_contact()])
    make_group("off", members=[ada], enabled=False)
    make_group("unbuilt", members=[ada], static=False)

    assert visitor.visit(groups_of, host=MAIN_HOST) == ["Loan-interest", "newsletter", "vip"]


def test_groups_of_a_contact_in_none_are_empty(visitor):
    def answer(request, response):
        return list(request.contact.groups), bool(request.contact.groups)

    assert visitor.visit(answer, host=MAIN_HOST) == ([], False)


def test_groups_cost_one_query_when_they_are_asked_for(ada, visitor, django_assert_num_queries):
    make_group("vip", members=[ada])

    def ask(request, response):
        contact = request.contact
        with django_assert_num_queries(0):
            assert contact.guid == ada.guid
        with django_assert_num_queries(1):
            assert "vip" in request.contact.groups
        with django_assert_num_queries(0):
            assert "other" not in request.contact.groups
            assert render(IN_GROUP, request=request) == ""

    visitor.visit(ask, host=MAIN_HOST)


# In templates


@pytest.mark.parametrize("code_name", ["loan-interest", "LOAN-Interest"])
def test_tag_tells_members_from_others(ada, visitor, code_name):
    assert visitor.visit(shown, host=MAIN_HOST) == ""

    make_group(code_name, members=[ada])

    assert visitor.visit(shown, host=MAIN_HOST) == "A loan?"


def test_visitor_who_must_not_be_tracked_is_in_no_group(channel):
    stranger = make_contact()
    make_group("loan-interest", members=[stranger])
    browser = Browser()
    browser.knows(stranger, channel)

    assert browser.visit(contact_of, host=MAIN_HOST) is None
    assert browser.visit(shown, host=MAIN_HOST) == ""


def test_visitor_without_a_contact_and_other_hosts_are_in_no_group(visitor, ada):
    make_group("loan-interest", members=[ada])

    assert Browser().visit(shown, host=MAIN_HOST) == ""
    assert visitor.visit(shown, host="hub.example.com") == ""
    # Without the middleware there is no contact either.
    assert render(IN_GROUP, request=RequestFactory().get("/")) == ""


def test_tag_takes_a_variable(ada, visitor):
    make_group("vip", members=[ada])

    def answer(request, response):
        tag = "{% in_group name as is_in %}{{ is_in }}"
        return render(tag, request=request, name="vip"), render(tag, request=request, name=5)

    assert visitor.visit(answer, host=MAIN_HOST) == ("True", "False")


def test_tag_without_a_request_says_what_it_needs():
    with pytest.raises(TemplateSyntaxError, match=r"in_group needs the request"):
        render(IN_GROUP)


# In scripts


def told(browser):
    """What a script is told."""
    response = browser.send("ContactGroups")
    assert response.status_code == 200
    return response.json()["groups"]


@pytest.fixture
def agreed(channel, browser):
    """The contact of a browser on a page of the shop, who has agreed."""
    assert browser.agree().status_code == 200
    return Contact.objects.get()


def test_scripts_learn_of_visible_groups_only(agreed, browser):
    make_group("vip", members=[agreed])
    make_group("off", members=[agreed], visible_to_websites=True, enabled=False)
    make_group("others", members=[make_contact()], visible_to_websites=True)
    assert told(browser) == []

    for code_name in ("newsletter", "Loan-interest"):
        make_group(code_name, members=[agreed], visible_to_websites=True)

    assert told(browser) == ["Loan-interest", "newsletter"]


def test_question_of_a_script_makes_no_contact_and_records_nothing(channel, shop):
    browser = ScriptBrowser()

    assert told(browser) == []

    assert browser.cookies() == {}
    assert not Contact.objects.exists()
    assert not Activity.objects.exists()
    assert not BrowserHits.objects.exists()


def test_scripts_on_the_main_site_learn_the_same(channel, consent):
    browser = ScriptBrowser(MAIN)
    browser.agree()
    make_group("vip", members=[Contact.objects.get()], visible_to_websites=True)

    assert told(browser) == ["vip"]


def test_scripts_learn_nothing_of_who_revoked(agreed, browser, consent):
    make_group("vip", members=[agreed], visible_to_websites=True)
    assert told(browser) == ["vip"]

    record_agreement(agreed, consent, agreed=False)

    assert told(browser) == []


def test_scripts_learn_nothing_of_who_asks_not_to_be_tracked(free_channel, shop):
    browser = ScriptBrowser()
    browser.log()
    make_group("vip", members=[Contact.objects.get()], visible_to_websites=True)
    assert told(browser) == ["vip"]

    browser.headers["Sec-GPC"] = "1"

    assert told(browser) == []


@pytest.mark.parametrize("user_agent", BOTS)
def test_robots_are_answered_and_learn_nothing(channel, shop, user_agent):
    assert told(ScriptBrowser(**{"User-Agent": user_agent})) == []
    assert not RejectedActivity.objects.exists()


def test_pages_of_other_websites_learn_nothing(agreed, browser):
    make_group("vip", members=[agreed], visible_to_websites=True)
    browser.origin = "https://foreign.example"

    response = browser.send("ContactGroups")

    assert response.status_code == 403
    assert "vip" not in response.text
    assert "Access-Control-Allow-Origin" not in response
    browser.origin = SHOP
    assert told(browser) == ["vip"]


def test_scripts_learn_groups_of_the_survivor_of_a_merge(agreed, browser):
    survivor = make_contact(email="ada@example.com")
    make_group("vip", members=[survivor], visible_to_websites=True)
    record_agreement(survivor, agreed.agreements.get().consent, agreed=True)
    request_merge(survivor=survivor, loser=agreed, reason="manual")
    do_merges()

    assert told(browser) == ["vip"]
