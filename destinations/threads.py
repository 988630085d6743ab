"""Work that blocks, in a thread of its own: so no destination waits for another one's."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future


async def in_own_thread[Result](do: Callable[[], Result], *, name: str) -> Result:
    """What `do` returns or raises, called in a new thread of this name.

    The event loop's own threads are few: a name server, or a folder in the network, that does not
    answer would hold one of them for long, until other destinations wait for it. The process does
    not wait for these at its end.
    """
    outcome: Future[Result] = Future()
    outcome.set_running_or_notify_cancel()  # from now on nobody can cancel it

    def run() -> None:
        try:
            outcome.set_result(do())
        except Exception as error:
            outcome.set_exception(error)

    threading.Thread(target=run, name=name, daemon=True).start()
    return await asyncio.wrap_future(outcome)
