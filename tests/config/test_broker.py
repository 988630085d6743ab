"""The broker in files: nothing is read before it is whole."""

import uuid

import pytest
from kombu import Connection
from kombu.transport import TRANSPORT_ALIASES


@pytest.fixture
def broker(tmp_path):
    folders = {
        "data_folder_in": str(tmp_path / "broker" / "messages"),
        "data_folder_out": str(tmp_path / "broker" / "messages"),
        "control_folder": str(tmp_path / "broker" / "control"),
    }
    TRANSPORT_ALIASES["embedded"] = "config.embedded.broker:Transport"
    with Connection("embedded://", transport_options=folders) as connection:
        yield connection


@pytest.fixture
def name():
    # kombu remembers the queues of a process, whatever folder they are in.
    return f"queue-{uuid.uuid4()}"


def test_messages_arrive_in_order(broker, name):
    queue = broker.SimpleQueue(name)

    queue.put("first")
    queue.put("second")

    assert [queue.get(timeout=2).payload, queue.get(timeout=2).payload] == ["first", "second"]
    queue.close()


def test_half_written_message_does_not_end_the_reader(broker, name, tmp_path, caplog):
    # Whatever a worker that ran in this process has made of the levels.
    caplog.set_level("WARNING", logger="config.embedded.broker")
    queue = broker.SimpleQueue(name)
    (tmp_path / "broker" / "messages" / f"0_broken.{name}.msg").write_text('{"body": "W1')

    queue.put("whole")

    assert queue.get(timeout=2).payload == "whole"
    assert f"unreadable message in the queue {name}" in caplog.text
    queue.close()


def test_message_in_the_making_is_not_seen(broker, name, tmp_path):
    queue = broker.SimpleQueue(name)
    (tmp_path / "broker" / "messages" / f"0_new.{name}.msg.unfinished").write_text('{"body')

    with pytest.raises(queue.Empty):
        queue.get(timeout=0.1)

    queue.close()
