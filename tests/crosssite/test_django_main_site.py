"""What a main site made with Django gets: the template tag, the middleware, consent in Python."""

from datetime import timedelta

import pytest
from django.http import HttpResponse
from django.template import Context, Template, TemplateSyntaxError
from django.test import RequestFactory
from django.utils import timezone

from activities.models import Activity
from activities.problems import InvalidActivity
from channels.models import Channel
from consents.agreements import is_agreed, record_agreement
from consents.models import ConsentAgreement
from contacts.models import Contact, ContactMerge
from crosssite import cookies, main_site
from crosssite.middleware import CurrentContactMiddleware
from crosssite.models import SiteContact, TrackedSite
from tests.factories import make_activity_type, make_consent, make_contact

pytestmark = pytest.mark.django_db

HOST = "www.example.com"


@pytest.fixture
def consent():
    return make_consent(texts={"en": "<p>May we?</p>", "de": "<p>Dürfen wir?</p>"})


@pytest.fixture
def channel(consent):
    return Channel.objects.create(
        code_name="main", name="Main", kind="website", domain=HOST, tracking_consent=consent
    )


class Browser:
    """Keeps cookies from answer to answer, and lets a view do what the test wants."""

    def __init__(self):
        self.cookies = {}

    def visit(self, view=lambda request, response: None, host=HOST, **headers):
        request = RequestFactory().get("/page/", headers={"Host": host, **headers})
        request.COOKIES.update(self.cookies)
        self.seen = None

        def answer(request):
            response = HttpResponse()
            self.seen = view(request, response)
            return response

        self.response = CurrentContactMiddleware(answer)(request)
        for name, morsel in self.response.cookies.items():
            if morsel["max-age"] == 0:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = morsel.value
        return self.seen

    def knows(self, contact, channel, *, as_cross_site=False):
        response = HttpResponse()
        if as_cross_site:
            cookies.set_cross_site_contact(response, contact, channel)
            names = [cookies.CROSS_SITE_CONTACT]
        else:
            cookies.set_current_contact(response, contact, channel)
            names = [cookies.CURRENT_CONTACT]
        self.cookies.update({name: response.cookies[name].value for name in names})


@pytest.fixture
def browser():
    return Browser()


def make_agreed_contact(consent, **fields):
    contact = make_contact(**fields)
    record_agreement(contact, consent, agreed=True)
    return contact


def contact_of(request, response):
    return request.contact


def level_of(request, response):
    return request.cookie_level


def render(tag, **context):
    return Template(f"{{% load crosssite %}}{tag}").render(Context(context))


# The template tag


def test_tag_makes_a_queue_and_loads_the_script():
    assert render("{% tracking_script %}") == (
        "<script>\n"
        "window.kxt = window.kxt || function () {\n"
        "    (window.kxt.q = window.kxt.q || []).push(arguments);\n"
        "};\n"
        "</script>\n"
        '<script async src="/Kentico.Resource/Activities/KenticoActivityLogger/LoggerV2.js"'
        ' data-function="kxt" data-page-visit="true"></script>\n'
    )


def test_tag_without_page_visit_says_so():
    assert 'data-page-visit="false"' in render("{% tracking_script log_page_visit=False %}")


def test_tag_without_custom_activity_has_no_function():
    html = render("{% tracking_script log_custom_activity=False %}")

    assert html.startswith("<script async src=")
    assert 'data-custom-activity="false"' in html


def test_tag_renames_the_function():
    html = render('{% tracking_script function_name="$track_1" %}')

    assert "window.$track_1.q" in html
    assert 'data-function="$track_1"' in html
    assert "kxt" not in html


def test_tag_puts_the_nonce_on_both_scripts():
    html = render("{% tracking_script nonce=nonce %}", nonce='r4nd0m">')

    assert html.count('nonce="r4nd0m&quot;&gt;"') == 2


@pytest.mark.parametrize("name", ["", "1kxt", "kxt;alert(1)", "a-b", "k.x", "kxt\n", "übung", "if"])
def test_tag_refuses_what_is_no_identifier(name):
    with pytest.raises(TemplateSyntaxError, match="cannot be the name of a JavaScript function"):
        render("{% tracking_script function_name=name %}", name=name)


# request.contact


def test_contact_of_a_stranger_is_none(channel, browser):
    assert browser.visit(contact_of) is None
    assert browser.cookies == {}
    assert Contact.objects.count() == 0


def test_contact_on_a_host_that_is_no_main_site_is_none(channel, browser, consent):
    browser.knows(make_agreed_contact(consent), channel)

    assert browser.visit(contact_of, host="hub.example.com") is None
    assert browser.visit(level_of, host="hub.example.com") == 0


def test_contact_is_the_one_of_the_cookie(channel, browser, consent):
    contact = make_agreed_contact(consent, first_name="Ada")
    browser.knows(contact, channel)

    assert browser.visit(contact_of) == contact
    assert browser.response["Vary"] == "Cookie"


def test_contact_that_was_merged_is_the_survivor(channel, browser, consent):
    survivor = make_agreed_contact(consent)
    browser.knows(make_contact(merged_into=survivor), channel)

    assert browser.visit(contact_of) == survivor
    assert browser.cookies["CurrentContact"].startswith(str(survivor.guid))


@pytest.mark.parametrize("value", ["", "x", "{guid}", "{guid}.", "{guid}.forged", "{guid}.é"])
def test_contact_of_a_forged_cookie_is_none(channel, browser, consent, value):
    guid = make_agreed_contact(consent).guid
    browser.cookies["CurrentContact"] = value.format(guid=guid)

    assert browser.visit(contact_of) is None


def test_contact_who_has_not_agreed_is_none(channel, browser):
    browser.knows(make_contact(), channel)

    assert browser.visit(contact_of) is None


def test_contact_who_revoked_elsewhere_is_none_and_loses_the_cookies(channel, browser, consent):
    contact = make_agreed_contact(consent)
    browser.knows(contact, channel)
    browser.visit(contact_of)
    record_agreement(contact, consent, agreed=False, at=timezone.now() + timedelta(seconds=1))

    assert browser.visit(contact_of) is None
    assert browser.cookies == {"CMSCookieLevel": "0"}


def test_page_that_does_not_ask_costs_nothing(channel, browser, consent, django_assert_num_queries):
    browser.knows(make_agreed_contact(consent), channel)

    with django_assert_num_queries(0):
        browser.visit()

    assert not browser.response.cookies
    assert not browser.response.has_header("Vary")


def test_contact_from_a_tracked_site_becomes_the_current_one(channel, browser, consent):
    contact = make_agreed_contact(consent)
    browser.knows(contact, channel, as_cross_site=True)

    assert browser.visit(contact_of) == contact
    assert browser.cookies.keys() == {"CurrentContact", "CMSCookieLevel"}
    assert browser.cookies["CMSCookieLevel"] == "1000"


def test_contacts_of_main_site_and_tracked_site_are_merged(channel, browser, consent):
    on_main, on_site = make_agreed_contact(consent), make_agreed_contact(consent)
    site = TrackedSite.objects.create(
        name="Shop", code_name="shop", url="https://shop.example", channel=channel
    )
    SiteContact.objects.create(tracked_site=site, contact=on_site)
    browser.knows(on_main, channel)
    browser.knows(on_site, channel, as_cross_site=True)

    assert browser.visit(contact_of) == on_main
    merge = ContactMerge.objects.get()
    assert (merge.survivor, merge.loser, merge.reason) == (on_main, on_site, "journey")


def test_read_only_hub_requests_no_merge(channel, browser, consent, settings):
    settings.READ_ONLY = True
    browser.knows(make_agreed_contact(consent), channel)
    browser.knows(make_agreed_contact(consent), channel, as_cross_site=True)

    assert browser.visit(contact_of)
    assert ContactMerge.objects.count() == 0


# The cookie level


def test_cookie_level_of_a_stranger_is_the_default(channel, browser):
    assert browser.visit(level_of) == 0


def test_cookie_level_is_the_one_of_the_cookie(channel, browser):
    browser.cookies["CMSCookieLevel"] = "200"

    assert browser.visit(level_of) == 200


def test_cookie_level_that_is_no_number_is_the_default(channel, browser):
    browser.cookies["CMSCookieLevel"] = "all"

    assert browser.visit(level_of) == 0


def test_cookie_level_of_who_agreed_elsewhere_is_the_one_of_the_channel(channel, browser, consent):
    browser.knows(make_agreed_contact(consent), channel, as_cross_site=True)

    assert browser.visit(level_of) == 1000


def test_lowering_the_cookie_level_deletes_the_cookies_above_it(channel, browser, consent):
    browser.knows(make_agreed_contact(consent), channel)
    browser.cookies |= {"CMSCookieLevel": "1000", "CMSLandingPageLoaded": "true", "theme": "dark"}

    def lower(request, response):
        main_site.set_cookie_level(request, response, 100)
        return request.cookie_level, request.contact

    assert browser.visit(lower) == (100, None)
    assert browser.cookies == {"CMSCookieLevel": "100", "theme": "dark"}


def test_raising_the_cookie_level_keeps_the_contact(channel, browser, consent):
    contact = make_agreed_contact(consent)
    browser.knows(contact, channel)
    browser.cookies["CMSCookieLevel"] = "200"

    def raise_it(request, response):
        main_site.set_cookie_level(request, response, 1000)
        return request.contact

    assert browser.visit(raise_it) == contact
    assert browser.cookies["CMSCookieLevel"] == "1000"
    assert browser.visit(contact_of) == contact


# Consent


def test_agreeing_makes_a_contact_and_sets_the_cookies(channel, browser, consent):
    def agree(request, response):
        main_site.agree(request, consent, "de")
        return request.contact, request.cookie_level

    contact, level = browser.visit(agree)

    agreement = ConsentAgreement.objects.get()
    assert (agreement.contact, agreement.agreed, agreement.channel) == (contact, True, channel)
    assert agreement.text.language == "de"
    assert level == 1000
    assert browser.cookies.keys() == {"CurrentContact", "CMSCookieLevel"}
    assert browser.visit(contact_of) == contact


def test_agreeing_to_another_consent_leaves_the_level(channel, browser):
    newsletter = make_consent("Newsletter")

    browser.visit(lambda request, response: main_site.agree(request, newsletter))

    assert is_agreed(Contact.objects.get(), newsletter)
    assert "CMSCookieLevel" not in browser.cookies


def test_revoking_is_recorded_and_deletes_the_cookies(channel, browser, consent):
    contact = make_agreed_contact(consent)
    browser.knows(contact, channel)
    browser.cookies["CMSCookieLevel"] = "1000"

    def revoke(request, response):
        main_site.revoke(request, consent)
        return request.contact, request.cookie_level

    assert browser.visit(revoke) == (None, 0)
    assert not is_agreed(contact, consent)
    assert browser.cookies == {"CMSCookieLevel": "0"}


def test_revoking_makes_no_contact(channel, browser, consent):
    browser.visit(lambda request, response: main_site.revoke(request, consent))

    assert Contact.objects.count() == 0
    assert ConsentAgreement.objects.count() == 0


def test_consent_on_a_host_that_is_no_main_site_is_an_error(channel, browser, consent):
    with pytest.raises(main_site.NoMainSite, match=r"hub\.example\.com"):
        browser.visit(
            lambda request, response: main_site.agree(request, consent), host="hub.example.com"
        )


def test_consent_without_the_middleware_is_an_error(channel, consent):
    request = RequestFactory().get("/", headers={"Host": HOST})

    with pytest.raises(main_site.NoMainSite, match="CurrentContactMiddleware"):
        main_site.agree(request, consent)


# Custom activities


def calculate(request, response):
    return main_site.log_custom_activity(
        request, "custom_loan_calculator", title="Loan calculator usage", value="50000"
    )


def test_custom_activity_is_of_the_current_contact(channel, browser, consent):
    make_activity_type()
    contact = make_agreed_contact(consent)
    browser.knows(contact, channel)

    assert browser.visit(calculate, Referer="https://www.example.com/") is True
    activity = Activity.objects.get()
    assert (activity.contact, activity.channel) == (contact, channel)
    assert (activity.title, activity.value) == ("Loan calculator usage", "50000")
    assert activity.url == "http://www.example.com/page/"
    assert activity.referrer == "https://www.example.com/"


@pytest.mark.parametrize("level", ["0", "100"])
def test_custom_activity_is_not_recorded_below_the_level_visitor(channel, browser, consent, level):
    make_activity_type()
    browser.knows(make_agreed_contact(consent), channel)
    browser.cookies["CMSCookieLevel"] = level

    assert browser.visit(calculate) is False
    assert Activity.objects.count() == 0


def test_custom_activity_of_a_stranger_is_not_recorded(channel, browser):
    make_activity_type()

    assert browser.visit(calculate) is False
    assert Contact.objects.count() == 0


@pytest.mark.parametrize("header", ["Sec-GPC", "DNT"])
def test_custom_activity_honours_opt_out_signals(channel, browser, header):
    channel.tracking_consent = None
    channel.save()
    make_activity_type()
    browser.knows(make_contact(), channel)

    assert browser.visit(calculate, **{header: "1"}) is False
    assert browser.visit(calculate) is True


def test_custom_activity_of_an_unknown_type_is_an_error(channel, browser, consent):
    browser.knows(make_agreed_contact(consent), channel)

    with pytest.raises(InvalidActivity, match="custom_loan_calculator"):
        browser.visit(calculate)
