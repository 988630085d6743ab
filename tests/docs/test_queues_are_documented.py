"""The workers that the documents start listen to every queue, so that no work waits for ever."""

import re

import pytest
from django.conf import settings

from jobs.declaring import queues


@pytest.mark.parametrize("document", ["README.md", "docs/operations.md"])
def test_worker_of_a_document_listens_to_every_queue(document):
    text = (settings.BASE_DIR / document).read_text()

    (listed,) = re.findall(r"celery -A config worker .*--queues ([\w,]+)", text)

    assert sorted(listed.split(",")) == sorted(queues())
