"""Texts of consents: the current ones in the form of their consent, every version on its page."""

import re

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import StackedInline
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldBooleanWidget

from adminsite.formatting import badge, link_to, moment
from adminsite.options import ReadOnlyAdmin
from consents.models import ConsentText
from consents.texts import as_tag, clean_html, save_text, withdraw_text

_LANGUAGE = re.compile(r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$")


def framed_html(html: str) -> SafeString:
    """Cleaned HTML in a frame that may neither run scripts nor load or open anything."""
    return format_html(
        '<iframe class="tl-frame" sandbox="" loading="lazy" title="Text" srcdoc="{}"></iframe>',
        document_of(html),
    )


def document_of(html: str) -> str:
    """A page with nothing but `html`, cleaned."""
    style = "font: 14px/1.6 system-ui, sans-serif; color: #111827; margin: 12px"
    return f'<!doctype html><meta charset="utf-8"><body style="{style}">{clean_html(html)}</body>'


def preview(request: HttpRequest) -> HttpResponse:
    """The page that a preview shows for the HTML in the body of this POST."""
    response = HttpResponse(
        document_of(request.POST.get("html", "")), content_type="text/plain; charset=utf-8"
    )
    response.headers["Cache-Control"] = "no-store"
    return response


class ConsentTextForm(forms.ModelForm):
    """One language's current text. A changed one is saved as a new version."""

    withdraw = forms.BooleanField(
        label="Withdraw this text",
        required=False,
        widget=UnfoldBooleanWidget,
        help_text="It is shown to nobody any more. It stays as proof for those who agreed to it.",
    )

    class Meta:
        model = ConsentText
        fields = ("language", "short_text", "full_text")
        widgets = {
            "short_text": UnfoldAdminTextareaWidget(attrs={"rows": 4, "data-preview": ""}),
            "full_text": UnfoldAdminTextareaWidget(attrs={"rows": 8, "data-preview": ""}),
        }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.instance.pk is None:
            self.fields["withdraw"].widget = forms.HiddenInput()
        elif "language" in self.fields:
            self.fields["language"].disabled = True
            self.fields["language"].help_text = "For another language, add another text."

    def clean_language(self):
        language = self.cleaned_data["language"]
        if not _LANGUAGE.match(language):
            raise ValidationError("Write a language code, such as en, de or pt-BR.")
        return language

    def clean_short_text(self):
        short_text = self.cleaned_data["short_text"]
        if not clean_html(short_text).strip():
            raise ValidationError("Nothing is left of this text once it is cleaned.")
        return short_text


class ConsentTextFormSet(BaseInlineFormSet):
    """Current texts, saved through `consents.texts`, so that earlier versions stay."""

    def clean(self):
        super().clean()
        seen = set()
        for form in self.forms:
            language = as_tag(form.cleaned_data.get("language", ""))
            if not language:
                continue
            if language in seen:
                form.add_error("language", "This consent has a text in this language already.")
            seen.add(language)

    def save_new(self, form, commit=True):
        return self._save_text(form)

    def save_existing(self, form, obj, commit=True):
        if form.cleaned_data["withdraw"]:
            withdraw_text(obj)
            return obj
        return self._save_text(form)

    def _save_text(self, form) -> ConsentText:
        fields = {name: form.cleaned_data[name] for name in ConsentTextForm.Meta.fields}
        return save_text(self.instance, **fields)


class ConsentTextInline(StackedInline):
    model = ConsentText
    form = ConsentTextForm
    formset = ConsentTextFormSet
    verbose_name = "text"
    verbose_name_plural = "Texts, one for each language"
    extra = 0
    can_delete = False

    class Media:
        js = ("consents/preview.js",)

    def get_queryset(self, request):
        current = super().get_queryset(request).filter(superseded_at__isnull=True)
        return current.select_related("consent").order_by("language")

    def has_delete_permission(self, request, obj=None) -> bool:
        return False

    def get_extra(self, request, obj=None, **kwargs):
        return 0 if obj else 1


@admin.register(ConsentText)
class ConsentTextAdmin(ReadOnlyAdmin):
    """One version of a text, as the people who answered it saw it."""

    fields = (
        "shown_consent",
        "language",
        "shown_version",
        "shown_created",
        "shown_superseded",
        "shown_short",
        "shown_full",
    )
    readonly_fields = fields
    list_display = ("shown_consent", "language", "version", "shown_created")
    ordering = ("-id",)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return False

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("consent")

    @display(description="Consent")
    def shown_consent(self, text):
        return link_to(text.consent)

    @display(description="Version")
    def shown_version(self, text):
        return version_badge(text)

    @display(description="Shown from")
    def shown_created(self, text):
        return moment(text.created_at)

    @display(description="Shown until")
    def shown_superseded(self, text):
        return moment(text.superseded_at) if text.superseded_at else "Now"

    @display(description="Short text")
    def shown_short(self, text):
        return framed_html(text.short_text)

    @display(description="Full text")
    def shown_full(self, text):
        return framed_html(text.full_text)


def version_badge(text: ConsentText) -> SafeString:
    """The number of a version, and whether it is the one that is shown now."""
    if text.superseded_at is None:
        return badge(f"Version {text.version}, current", "good")
    return badge(f"Version {text.version}")
