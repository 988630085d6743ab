"""Deleting what other rows may refer to: an explanation instead of a list of them all."""

from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import Exists
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from adminsite.counting import COUNTED, count_up_to, say_count
from adminsite.formatting import change_url
from adminsite.options import HubAdmin


class ExplainedDeletionAdmin(HubAdmin):
    """Pages of what may be in use: that stays, and the page says what uses it.

    Django's own pages load and list every single row that refers to what is to be deleted.
    """

    instead_of_deleting = ""
    # What `check_unused`, and deleting itself, raise about what others name by its code name.
    in_use: tuple[type[Exception], ...] = ()
    change_form_outer_after_template = "adminsite/stays.html"

    def delete_view(self, request: HttpRequest, object_id: str, extra_context=None) -> HttpResponse:
        instance = self.get_object(request, unquote(object_id))
        if instance is not None and not self.has_delete_permission(request, instance):
            raise PermissionDenied
        if instance is not None and (text := self.why_it_stays(instance)):
            self.message_user(request, text, messages.ERROR)
            return HttpResponseRedirect(change_url(instance))
        try:
            return super().delete_view(request, object_id, extra_context)
        except self.in_use as error:
            # Something has come to use it since.
            self.message_user(request, str(error), messages.ERROR)
        return HttpResponseRedirect(change_url(self.model(pk=unquote(object_id))))

    def check_unused(self, instance: Any) -> None:
        """Refuse to delete what is used in a way that no key tells, such as by its name in a rule.

        :raises Exception: one of `in_use`, which says what to do instead
        """

    def why_it_stays(self, instance: models.Model) -> str:
        """Why `instance` cannot be deleted, and what to do instead; "" if it can."""
        try:
            self.check_unused(instance)
        except self.in_use as error:
            return str(error)
        if not (users := names_of_users(instance)):
            return ""
        text = f"“{instance}” cannot be deleted, because {_listed(users)} refer to it."
        return f"{text} {self.instead_of_deleting}"

    def render_change_form(self, request, context, *args, obj=None, **kwargs):
        """Offer to delete only what can be deleted; of the rest the page says why it stays."""
        if obj is not None and self.has_delete_permission(request, obj):
            context["stays"] = self.why_it_stays(obj)
            context["show_delete"] = not context["stays"]
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def get_deleted_objects(self, objs, request):
        counts = {self.opts.verbose_name_plural: len(objs)}
        counted = {
            relation.related_model._meta.verbose_name_plural: count
            for instance in objs
            for relation in _relations(instance, models.CASCADE)
            if self.admin_site.is_registered(relation.related_model)
            and (count := count_up_to(_rows(relation, instance), COUNTED))
        }
        used = {name: say_count(count, COUNTED) for name, count in counted.items()}
        parts = [f"{count} {name}" for name, count in used.items()]
        return [str(instance) for instance in objs] + parts, counts | used, set(), []


def names_of_users(instance: models.Model) -> list[str]:
    """What kinds of rows refer to `instance` and keep it from being deleted."""
    relations = _relations(instance, models.PROTECT)
    if not relations:
        return []
    rows = type(instance)._base_manager.filter(pk=instance.pk)
    asked = {f"used_{n}": Exists(_rows(one, instance)) for n, one in enumerate(relations)}
    used = rows.annotate(**asked).values_list(*asked).first() or ()
    return [
        str(relation.related_model._meta.verbose_name_plural)
        for relation, is_used in zip(relations, used, strict=False)
        if is_used
    ]


def _relations(instance: models.Model, on_delete) -> list:
    return [
        field
        for field in instance._meta.get_fields(include_hidden=True)
        if isinstance(field, models.ForeignObjectRel) and field.on_delete is on_delete
    ]


def _rows(relation, instance: models.Model) -> models.QuerySet:
    return relation.related_model._base_manager.filter(**{relation.field.name: instance})


def _listed(names: list[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
