"""API keys: shown once, kept as a hash, found by their text."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from channels.keys import create_api_key, note_use
from channels.models import ApiKey
from tests.channels.keys import find_api_key
from tests.factories import make_channel, make_key

pytestmark = pytest.mark.django_db

TRACKING = "tracking"


def test_key_is_found_by_its_text():
    key, text = make_key()

    assert find_api_key(text, access=TRACKING) == key


def test_text_of_a_key_is_nowhere_in_the_database():
    _, text = make_key()
    secret = text.split("_", 2)[2]

    stored = ApiKey.objects.values().get()

    assert len(secret) == 43
    assert secret not in str(stored)
    assert len(stored["secret_hash"]) == 64
    assert stored["identifier"] in text


def test_keys_of_one_channel_differ():
    channel = make_channel()

    texts = {create_api_key(channel, name="App")[1] for _ in range(20)}

    assert len(texts) == 20


def test_key_opens_only_what_its_access_type_says():
    key, text = make_key(access="activecampaign")

    assert find_api_key(text, access=TRACKING) is None
    assert find_api_key(text, access="activecampaign") == key


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"enabled": False}, id="disabled"),
        pytest.param({"expires_at": timezone.now() - timedelta(seconds=1)}, id="expired"),
    ],
)
def test_key_that_counts_no_more_is_not_found(fields):
    _, text = make_key(**fields)

    assert find_api_key(text, access=TRACKING) is None


def test_key_counts_until_it_expires():
    key, text = make_key(expires_at=timezone.now() + timedelta(minutes=1))

    assert find_api_key(text, access=TRACKING) == key


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda text: "", id="empty"),
        pytest.param(lambda text: "tl", id="prefix-alone"),
        pytest.param(lambda text: "tl__", id="no-parts"),
        pytest.param(lambda text: text[:-1], id="shorter"),
        pytest.param(lambda text: f"{text}x", id="longer"),
        pytest.param(lambda text: text.rpartition("_")[0], id="without-an-end"),
        pytest.param(lambda text: text[3:], id="without-prefix"),
        pytest.param(lambda text: f"xx{text[2:]}", id="other-prefix"),
        pytest.param(lambda text: text.swapcase(), id="other-case"),
        pytest.param(lambda text: f"{text}\0", id="nul"),
        pytest.param(lambda text: f"tl_{'1' * 5000}_x", id="long-identifier"),
        pytest.param(lambda text: "tl_é_é", id="not-ascii"),
    ],
)
def test_text_that_is_no_key_finds_none(spoil):
    _, text = make_key()

    assert find_api_key(spoil(text), access=TRACKING) is None


def test_secret_of_one_key_does_not_open_another():
    _, one = make_key()
    _, other = make_key()
    mixed = "_".join([*one.split("_", 2)[:2], other.split("_", 2)[2]])

    assert find_api_key(mixed, access=TRACKING) is None


def test_use_is_noted_to_the_minute():
    key, _ = make_key()
    note_use(key)
    key.refresh_from_db()
    first = key.last_used_at

    note_use(key)

    key.refresh_from_db()
    assert key.last_used_at == first
    assert timezone.now() - first < timedelta(seconds=10)


def test_use_after_a_minute_is_noted_again():
    long_ago = timezone.now() - timedelta(minutes=2)
    key, _ = make_key(last_used_at=long_ago)

    note_use(key)

    key.refresh_from_db()
    assert key.last_used_at > long_ago + timedelta(minutes=1)


def test_use_is_not_noted_while_the_hub_is_read_only(settings):
    key, _ = make_key()
    settings.READ_ONLY = True

    note_use(key)

    key.refresh_from_db()
    assert key.last_used_at is None


def test_access_type_cannot_be_changed():
    key, _ = make_key()
    key.access = "activecampaign"

    with pytest.raises(ValidationError, match="access type of a key cannot be changed"):
        key.full_clean()


def test_key_is_shown_without_its_secret():
    key, text = make_key(name="iOS app")

    assert str(key) == f"iOS app ({text.split('_')[1]}…)"
