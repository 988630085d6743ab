"""What requests that record something have in common, in every format of applications."""

from abc import abstractmethod

from activities.inspector import is_sampled, keep_refused_request
from activities.problems import InvalidActivity, Status
from activities.recording import refuse_if_stuck
from database.loop import in_thread
from tracking.switches import check_switches
from web.answers import Answer
from web.exchanges import Exchange
from web.problems import ERASED, Problem, too_large
from web.requests import Request

_FAILED = "Something went wrong in the hub; its log says more. Send the request again."


class Recording(Exchange):
    """A request that has something recorded. Subclasses implement `record`.

    A refused one is kept for the inspector, with what the request has noted by then.
    """

    door: str

    async def carry_out(self) -> Answer:
        check_switches()
        refuse_if_stuck()
        # Also of a request that needs no body: what came of one has to be complete.
        _ = self.request.body
        return await self.record()

    @abstractmethod
    async def record(self) -> Answer:
        """Record what the request brings.

        :raises Problem: if it is refused as a whole
        """

    async def keep(self, problem: Problem) -> None:
        if problem.status >= 500:
            await self.note(InvalidActivity("failed", "", _FAILED, Status.FAILED))
        else:
            is_erased = problem.code == ERASED
            await self.note(
                InvalidActivity(problem.code, problem.field, problem.detail, is_untracked=is_erased)
            )

    async def note(self, problem: InvalidActivity) -> None:
        """Keep this request for the inspector, with the reason why it was refused."""
        request = self.request
        stranger = "" if request.is_known else request.address or "unknown"
        # Of strangers only samples are kept: most of them cost no thread.
        if stranger and not is_sampled(stranger):
            return
        await in_thread(
            keep_refused_request,
            problem,
            door=self.door,
            request_id=request.id,
            payload=request.payload,
            payload_length=max(len(request.payload), request.length),
            channel=request.channel,
            contact_guid=request.contact_guid,
            test_code=request.test_code,
            context=request.context,
            key_id=request.key_id,
            is_stranger=bool(stranger),
        )


def whole_body(request: Request, limit: int) -> bytes:
    """The body of `request`, which may have so many bytes.

    :raises Problem: 413, if it is larger
    """
    if len(request.body) > limit:
        raise too_large()
    return request.body
