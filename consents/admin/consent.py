"""Consents: purposes, with their texts."""

from django.contrib import admin, messages
from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import PermissionDenied
from django.db.models import Case, Func, IntegerField, OuterRef, Prefetch, QuerySet, When
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.http import require_POST

from adminsite.columns import Column
from adminsite.counting import COUNTED, say_count
from adminsite.deleting import ExplainedDeletionAdmin
from adminsite.formatting import changelist_url
from adminsite.options import EmptyState
from consents.admin.differences import people_by_text, show_what_would_change
from consents.admin.text import (
    ConsentTextInline,
    LanguageField,
    offer_languages,
    preview,
    version_badge,
)
from consents.models import Consent, ConsentText, CurrentAnswer
from consents.texts import as_tag, check_language
from contacts.admin.permissions import may_see_contacts
from contacts.models import Contact


def languages(consent) -> str:
    """The languages that a consent has a text in."""
    return ", ".join(text.language for text in consent.current_texts) or "No text yet"


def people_who_agree_now(consent) -> str:
    return say_count(consent.agreed_count, COUNTED)


class ConsentForm(ModelForm):
    """A consent, with its default language from a list."""

    class Meta:
        field_classes = {"default_language": LanguageField}

    def clean_default_language(self) -> str:
        language = self.cleaned_data["default_language"]
        check_language(language)
        return language


@admin.register(Consent)
class ConsentAdmin(ExplainedDeletionAdmin):
    form = ConsentForm
    list_display = (
        "name",
        "code_name",
        Column(languages),
        "default_language",
        Column(people_who_agree_now),
    )
    ordering = ("name",)
    sortable_by = ("name", "code_name")
    search_fields = ("name", "code_name")
    search_help_text = "Name or code name"
    prepopulated_fields = {"code_name": ("name",)}
    fields = ("name", "code_name", "default_language", "older_versions_count")
    inlines = (ConsentTextInline,)
    instead_of_deleting = (
        "The answers of contacts are kept as proof, and so is the consent that they answered."
    )
    empty_state = EmptyState(
        icon="verified_user",
        title="No consents yet",
        text=(
            "A consent is a purpose that contacts agree to, such as being tracked, with a text in "
            "each language. Add one, then choose it on your channels."
        ),
    )

    def get_list_queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.annotate(agreed_count=agreed_count()).prefetch_related(_current_texts())

    def get_urls(self):
        url = path(
            "preview/",
            require_POST(self.admin_site.admin_view(self.preview_view)),
            name="consents_consent_preview",
        )
        changes = path(
            "changes/",
            require_POST(self.admin_site.admin_view(self.changes_view)),
            name="consents_consent_changes",
        )
        return [url, changes, *super().get_urls()]

    def changes_view(self, request: HttpRequest) -> HttpResponse:
        """What saving would change, which the form shows before."""
        return show_what_would_change(request, self.has_change_permission(request))

    def get_form(self, request, obj=None, **kwargs):
        form = super().get_form(request, obj, **kwargs)
        if "default_language" in form.base_fields:
            present = obj.default_language if obj else ""
            offer_languages(form.base_fields["default_language"], present)
        return form

    def preview_view(self, request: HttpRequest) -> HttpResponse:
        if not (self.has_add_permission(request) or self.has_change_permission(request)):
            raise PermissionDenied
        return preview(request)

    def render_change_form(self, request, context, *args, obj=None, **kwargs):
        if obj is not None:
            texts = obj.texts.order_by("language", "-version").defer("short_text", "full_text")
            people = people_by_text(obj)
            list_url = changelist_url(Contact)
            context["versions"] = [
                (text, version_badge(text), say_count(people.get(text.pk, 0), COUNTED))
                for text in texts
            ]
            context["people_url"] = list_url if may_see_contacts(request.user) else ""
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def save_related(self, request, form, formsets, change):
        super().save_related(request, form, formsets, change)
        consent = form.instance
        current = consent.texts.filter(superseded_at__isnull=True)
        languages = map(as_tag, current.values_list("language", flat=True))
        if as_tag(consent.default_language) not in languages:
            text = f"There is no text in the default language, “{consent.default_language}”, yet."
            self.message_user(request, text, messages.WARNING)


def agreed_count() -> Case:
    """How many contacts agree to a consent now, counted as far as the list does."""
    every_text = CurrentAnswer.objects.filter(consent=OuterRef("pk"), agreed=True)
    those_that_count = CurrentAnswer.objects.agreeing_to(OuterRef("pk"))
    return Case(
        When(older_versions_count=True, then=_number_of(every_text)),
        default=_number_of(those_that_count),
    )


def _number_of(answers: QuerySet) -> Func:
    some = ArraySubquery(answers.values("contact")[: COUNTED + 1])
    return Func(some, function="cardinality", output_field=IntegerField())


def _current_texts() -> Prefetch:
    current = ConsentText.objects.filter(superseded_at__isnull=True).order_by("language")
    return Prefetch("texts", current.defer("short_text", "full_text"), to_attr="current_texts")
