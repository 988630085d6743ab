"""Consents: purposes, with their texts."""

from django.contrib import admin, messages
from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, Func, IntegerField, OuterRef, Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.http import require_POST
from unfold.decorators import display

from adminsite.deleting import ExplainedDeletionAdmin
from adminsite.options import EmptyState
from consents.admin.text import ConsentTextInline, preview, version_badge
from consents.models import Consent, ConsentAgreement, ConsentText
from consents.texts import as_tag

# Counting stops here, so that the list costs the same for any number of agreements.
_COUNTED = 10_000


@admin.register(Consent)
class ConsentAdmin(ExplainedDeletionAdmin):
    list_display = ("name", "code_name", "shown_languages", "default_language", "shown_agreed")
    ordering = ("name",)
    sortable_by = ("name", "code_name")
    search_fields = ("name", "code_name")
    search_help_text = "Name or code name"
    prepopulated_fields = {"code_name": ("name",)}
    fields = ("name", "code_name", "default_language")
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
        return queryset.annotate(agreed_count=_agreed_count()).prefetch_related(_current_texts())

    def get_urls(self):
        url = path(
            "preview/",
            require_POST(self.admin_site.admin_view(self.preview_view)),
            name="consents_consent_preview",
        )
        return [url, *super().get_urls()]

    def preview_view(self, request: HttpRequest) -> HttpResponse:
        if not (self.has_add_permission(request) or self.has_change_permission(request)):
            raise PermissionDenied
        return preview(request)

    def render_change_form(self, request, context, *args, obj=None, **kwargs):
        if obj is not None:
            texts = obj.texts.order_by("language", "-version").defer("short_text", "full_text")
            context["versions"] = [(text, version_badge(text)) for text in texts]
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def save_related(self, request, form, formsets, change):
        super().save_related(request, form, formsets, change)
        consent = form.instance
        current = consent.texts.filter(superseded_at__isnull=True)
        languages = map(as_tag, current.values_list("language", flat=True))
        if as_tag(consent.default_language) not in languages:
            text = f"There is no text in the default language, “{consent.default_language}”, yet."
            self.message_user(request, text, messages.WARNING)

    @display(description="Languages")
    def shown_languages(self, consent):
        return ", ".join(text.language for text in consent.current_texts) or "No text yet"

    @display(description="People who agree now")
    def shown_agreed(self, consent):
        return f"{_COUNTED:,}+" if consent.agreed_count > _COUNTED else f"{consent.agreed_count:,}"


def _agreed_count() -> Func:
    answers = ConsentAgreement.objects.filter(consent=OuterRef("consent"))
    newer = answers.filter(
        Q(at__gt=OuterRef("at")) | Q(at=OuterRef("at"), pk__gt=OuterRef("pk")),
        contact=OuterRef("contact"),
    )
    agreed = ConsentAgreement.objects.filter(~Exists(newer), consent=OuterRef("pk"), agreed=True)
    some = ArraySubquery(agreed.values("pk")[: _COUNTED + 1])
    return Func(some, function="cardinality", output_field=IntegerField())


def _current_texts() -> Prefetch:
    current = ConsentText.objects.filter(superseded_at__isnull=True).order_by("language")
    return Prefetch("texts", current.defer("short_text", "full_text"), to_attr="current_texts")
