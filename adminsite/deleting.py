"""Deleting what other rows may refer to: an explanation instead of a list of them all."""

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from adminsite.formatting import change_url
from adminsite.options import HubAdmin


class ExplainedDeletionAdmin(HubAdmin):
    """Pages of what may be in use: that stays, and the page says what uses it.

    Django's own pages load and list every single row that refers to what is to be deleted.
    """

    instead_of_deleting = ""

    def delete_view(self, request: HttpRequest, object_id: str, extra_context=None) -> HttpResponse:
        instance = self.get_object(request, unquote(object_id))
        if instance is not None and (users := names_of_users(instance)):
            text = f"“{instance}” cannot be deleted, because {_listed(users)} refer to it."
            self.message_user(request, f"{text} {self.instead_of_deleting}", messages.ERROR)
            return HttpResponseRedirect(change_url(instance))
        return super().delete_view(request, object_id, extra_context)

    def get_deleted_objects(self, objs, request):
        counts = {self.opts.verbose_name_plural: len(objs)}
        used = {
            relation.related_model._meta.verbose_name_plural: count
            for instance in objs
            for relation in _relations(instance, models.CASCADE)
            if self.admin_site.is_registered(relation.related_model)
            and (count := _rows(relation, instance).count())
        }
        parts = [f"{count:,} {name}" for name, count in used.items()]
        return [str(instance) for instance in objs] + parts, counts | used, set(), []


def names_of_users(instance: models.Model) -> list[str]:
    """What kinds of rows refer to `instance` and keep it from being deleted."""
    return [
        str(relation.related_model._meta.verbose_name_plural)
        for relation in _relations(instance, models.PROTECT)
        if _rows(relation, instance).exists()
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
