"""Asking for builds: a group has at most one that waits, and that is for its newest rule."""

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from groups.followed import followed_groups
from groups.models import ContactGroup, GroupBuild
from jobs.tasks import ring

_Status = GroupBuild.Status


class CannotBuild(ValueError):
    """A group has nothing to build; the message says why, for the user who asked."""


@transaction.atomic
def request_build(group: ContactGroup, by: User | None = None) -> GroupBuild:
    """Have a worker evaluate the group's rule for all contacts; one that has begun begins anew.

    :raises CannotBuild: if the group is static, or switched off
    """
    group = ContactGroup.objects.select_for_update(no_key=True).get(pk=group.pk)
    if group.static:
        raise CannotBuild(f"{group.name} is a static group: it has a list of members, and no rule.")
    if not group.enabled:
        raise CannotBuild(f"{group.name} is switched off. Switch it on, and it is built.")
    waiting = GroupBuild.objects.filter(
        group=group, status=_Status.WAITING, version=group.version, phase=GroupBuild.Phase.NONE
    )
    build = waiting.first()
    if build is None:
        # What has begun may have read what is different now.
        outdate_builds(group.pk)
        build = GroupBuild.objects.create(group=group, version=group.version, requested_by=by)
    ring("group builds")
    return build


def outdate_builds(group_id: int) -> None:
    """Give up the build of a group that waits or is under way, as another rule decides now."""
    waiting = GroupBuild.objects.filter(group=group_id, status=_Status.WAITING)
    waiting.update(status=_Status.OUTDATED, finished_at=timezone.now())


def cancel_build(build: GroupBuild) -> bool:
    """Give up a build that waits or is under way: the members stay as they are.

    Return whether it was not over yet.
    """
    waiting = GroupBuild.objects.filter(pk=build.pk, status=_Status.WAITING)
    return bool(waiting.update(status=_Status.CANCELLED, finished_at=timezone.now()))


def request_builds_of_dependents(group_id: int) -> None:
    """Build the groups whose rules name this one: other contacts count as its members now."""
    names = {other.id for other in followed_groups().values() if group_id in other.named_groups()}
    for other in ContactGroup.objects.filter(pk__in=names).order_by("pk"):
        request_build(other)


def stop_following(group_id: int) -> None:
    """Leave the members of a group as they are until it is built; ask for that."""
    ContactGroup.objects.filter(pk=group_id).update(served_rule=None)
    group = ContactGroup.objects.filter(pk=group_id).first()
    if group is not None:
        request_build(group)
