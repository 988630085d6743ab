"""Who can write to the broker cannot run code in workers."""

import shutil
from pathlib import Path

import pytest
from kombu import Connection, Queue
from kombu.exceptions import ContentDisallowed

from config import celery_app
from tests.faults.brokers import Redis


class Trap:
    """What creates a file when it is unpickled."""

    def __init__(self, path):
        self._path = path

    def __reduce__(self):
        return Path.touch, (self._path,)


@pytest.mark.skipif(not shutil.which("redis-server"), reason="there is no redis-server")
def test_a_pickled_message_is_refused_and_not_loaded(tmp_path):
    errors, read = [], []
    with Redis() as redis, Connection(redis.url) as connection:
        queue = Queue("default")
        connection.Producer().publish(
            Trap(tmp_path / "trap"), serializer="pickle", routing_key="default", declare=[queue]
        )
        consumer = celery_app.amqp.TaskConsumer(
            connection.default_channel,
            queues=[queue],
            callbacks=[lambda body, message: read.append(body)],
            on_decode_error=lambda message, error: errors.append(error),
        )
        with consumer:
            connection.drain_events(timeout=5)

    assert [type(error) for error in errors] == [ContentDisallowed]
    assert read == []
    assert not (tmp_path / "trap").exists()
