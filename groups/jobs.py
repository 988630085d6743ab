"""What workers do for groups: builds, and a look at what is due."""

from datetime import timedelta

from django.db.models import Q

from groups.building import build_groups
from groups.models import GroupBuild
from groups.preview import forget_known_conditions
from jobs.declaring import Job, declare, declare_periodic, declare_pulse

BUILDS = declare(
    Job(
        name="group builds",
        model=GroupBuild,
        waiting=Q(status=GroupBuild.Status.WAITING),
        do=build_groups,
        shown_by="group",
        queue="builds",
        batch=1,
    )
)

declare_pulse("groups.sweep", every=0.5, queue="groups")
declare_periodic("forget known conditions", forget_known_conditions, every=timedelta(hours=1))
