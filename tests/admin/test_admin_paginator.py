import pytest

from adminsite.paginator import EstimatedCountPaginator
from contacts.models import Contact
from tests.factories import make_contact

pytestmark = pytest.mark.django_db


def make_paginator(*, whole=False):
    paginator = EstimatedCountPaginator(Contact.objects.order_by("-pk"), 2)
    paginator.is_whole_table = whole
    return paginator


def test_few_rows_are_counted():
    for _ in range(3):
        make_contact()

    paginator = make_paginator()

    assert (paginator.count, paginator.num_pages) == (3, 2)
    assert paginator.count_text == "3 contacts"
    assert not paginator.is_cut


def test_many_rows_are_counted_only_so_far(monkeypatch):
    monkeypatch.setattr("adminsite.paginator.COUNTED_ROWS", 4)
    for _ in range(7):
        make_contact()

    paginator = make_paginator()

    assert (paginator.count, paginator.num_pages) == (5, 2)
    assert paginator.count_text == "More than 4 contacts"


def test_a_whole_table_has_the_size_that_the_database_estimates(
    monkeypatch, django_assert_num_queries
):
    monkeypatch.setattr(EstimatedCountPaginator, "_estimate", lambda self: 1_234_567)

    paginator = make_paginator(whole=True)

    with django_assert_num_queries(0):
        assert paginator.count_text == "About 1,230,000 contacts"
    assert paginator.num_pages == 5000


def test_a_table_that_was_never_analysed_is_counted():
    make_contact()

    assert make_paginator(whole=True).count == 1
