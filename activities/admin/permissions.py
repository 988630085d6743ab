"""What users of the admin may see of what contacts did."""

from adminsite.permissions import AnyUser


def may_see_activities(user: AnyUser) -> bool:
    return user.has_perm("activities.view_activity")


def may_see_activity_types(user: AnyUser) -> bool:
    return user.has_perm("activities.view_activitytype")


def may_see_inspector(user: AnyUser) -> bool:
    return user.has_perm("activities.view_rejectedactivity")


def may_replay(user: AnyUser) -> bool:
    return user.has_perm("activities.replay_rejectedactivity")


def may_add_activity_types(user: AnyUser) -> bool:
    return user.has_perm("activities.add_activitytype")


def may_change_activity_types(user: AnyUser) -> bool:
    return user.has_perm("activities.change_activitytype")


def may_map_names(user: AnyUser) -> bool:
    return user.has_perm("activities.add_mappedname")


def may_correct_fields(user: AnyUser) -> bool:
    return user.has_perm("activities.add_correction")


def may_see_mapped_names(user: AnyUser) -> bool:
    return user.has_perm("activities.view_mappedname")


def may_see_corrections(user: AnyUser) -> bool:
    return user.has_perm("activities.view_correction")


def may_see_replays(user: AnyUser) -> bool:
    return user.has_perm("activities.view_replay")
