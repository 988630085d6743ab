"""Asking for builds: a group has at most one that waits, and that is for its newest rule."""

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from groups.followed import follow, followed_groups, meaning_of
from groups.models import ContactGroup, GroupBuild
from groups.rules import InvalidRule
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
    meaning = _meaning_now(group)
    waiting = GroupBuild.objects.filter(
        group=group, status=_Status.WAITING, version=group.version, phase=GroupBuild.Phase.NONE
    )
    build = waiting.first()
    if build is None:
        # What has begun may have read what is different now.
        outdate_builds(group.pk)
        build = GroupBuild.objects.create(
            group=group, version=group.version, meaning=meaning, requested_by=by
        )
    elif build.meaning != meaning:
        waiting.update(meaning=meaning)
    ring("group builds")
    return build


@transaction.atomic
def request_missing_build(group_id: int) -> None:
    """Have the group built, unless that was asked for when its names stood for what they do now.

    Then it waits or goes on; or a user has cancelled it, and is told to build the group.
    """
    group = ContactGroup.objects.select_for_update(no_key=True).get(pk=group_id)
    newest = group.builds.order_by("-pk").first()
    if (
        newest is None
        or newest.status not in (_Status.WAITING, _Status.CANCELLED)
        or (newest.version, newest.meaning) != (group.version, _meaning_now(group))
    ):
        request_build(group)


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
    followed = ContactGroup.objects.filter(pk=group_id, served_rule__isnull=False)
    was_followed = followed.update(served_rule=None)
    group = ContactGroup.objects.filter(pk=group_id).first()
    if group is None:
        return
    if was_followed:
        request_build(group)
    else:
        request_missing_build(group_id)


def _meaning_now(group: ContactGroup) -> str:
    """A hash of what the names in the group's rule stand for now; "" if it cannot be read."""
    try:
        return meaning_of(follow(group.rule))
    except InvalidRule:
        return ""
