"""What workers do for activities."""

from datetime import timedelta

from django.db.models import Q

from activities.data_input import apply_data_inputs
from activities.inspector import forget_old_rejections
from activities.models import DataInput, Replay
from activities.quality import forget_old_counts
from activities.replaying import forget_old_replays, replay_lines
from activities.senders import forget_old_sender_counts
from jobs.declaring import Job, declare, declare_periodic

DATA_INPUTS = declare(
    Job(
        name="data inputs",
        model=DataInput,
        waiting=Q(outcome=DataInput.Outcome.PENDING),
        do=apply_data_inputs,
        shown_by="activity",
        queue="data_input",
    )
)

REPLAYS = declare(
    Job(
        name="replays",
        model=Replay,
        waiting=Q(status=Replay.Status.WAITING),
        do=replay_lines,
        batch=1,
    )
)

_HOURLY = timedelta(hours=1)
declare_periodic("forget old lines of the inspector", forget_old_rejections, every=_HOURLY)
declare_periodic("forget old counts of quality", forget_old_counts, every=_HOURLY)
declare_periodic("forget old replays", forget_old_replays, every=_HOURLY)
declare_periodic("forget old counts of senders", forget_old_sender_counts, every=_HOURLY)
