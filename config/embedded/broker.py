"""The broker of a hub on one machine: files under DATA_DIR.

kombu's filesystem transport, which makes its folders itself here and whose readers never meet a
message that is only half written: that would end the worker.
"""

import logging
import uuid
from pathlib import Path
from time import time_ns

from kombu.transport import filesystem
from kombu.utils.json import dumps

logger = logging.getLogger(__name__)

_PATIENCE_SECONDS = 0.2


class Channel(filesystem.Channel):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for folder in (self.data_folder_in, self.data_folder_out, self.control_folder):
            Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)

    def _put(self, queue, payload, **kwargs):  # type: ignore[override]  # as in kombu
        name = f"{time_ns()}_{uuid.uuid4()}.{queue}.msg"
        unfinished = Path(self.data_folder_out, f"{name}.unfinished")
        unfinished.write_text(dumps(payload))
        unfinished.rename(Path(self.data_folder_out, name))

    def _get(self, queue):  # type: ignore[override]  # as in kombu
        while True:
            try:
                return super()._get(queue)
            except ValueError:
                # What it was about is also a row, which the next sweep finds.
                logger.warning("An unreadable message in the queue %s was dropped.", queue)


class Transport(filesystem.Transport):
    Channel = Channel
    # Files have no address, and kombu would warn that none was given.
    default_connection_params = {}

    def drain_events(self, connection, timeout=None):  # type: ignore[override]  # as in kombu
        # A worker sees only between two calls that it is to end, and waits for two seconds in each.
        patience = None if timeout is None else min(timeout, _PATIENCE_SECONDS)
        return super().drain_events(connection, timeout=patience)
