"""Texts of consents: the current ones in the form of their consent, every version on its page."""

from typing import Any, cast

from django import forms
from django.contrib import admin
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.admin import StackedInline
from unfold.contrib.forms.widgets import WYSIWYG_CLASSES
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldBooleanWidget,
)

from adminsite.columns import Column, Link, Moment
from adminsite.counting import COUNTED, say_count
from adminsite.formatting import badge
from adminsite.options import ReadOnlyAdmin
from consents.admin.differences import (
    differences,
    given_or_kept,
    people_who_agree_to,
    version_before,
)
from consents.languages import language_names
from consents.models import ConsentText
from consents.texts import (
    as_tag,
    check_language,
    check_short_text,
    clean_html,
    save_text,
    withdraw_text,
)


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


class LanguageField(forms.ChoiceField):
    """A language from a list; one that is not in it stays, and files may name any."""

    def __init__(self, *, max_length: int | None = None, **kwargs):
        super().__init__(**{**kwargs, "widget": UnfoldAdminSelectWidget})

    def valid_value(self, value: str) -> bool:
        return True  # the form checks the tag


def offer_languages(field: Any, present: str = "") -> None:
    """Let users choose from the languages that there are, and the one that is there at present."""
    names = language_names()
    shown = [(tag, f"{name} ({tag})") for tag, name in names.items()]
    others = [(present, present)] if present and present not in names else []
    field.choices = [("", "Choose a language"), *others, *shown]


def _editor(*, rows: int) -> UnfoldAdminTextareaWidget:
    attrs = {"rows": rows, "data-preview": "", "data-rich": " ".join(WYSIWYG_CLASSES)}
    return UnfoldAdminTextareaWidget(attrs=attrs)


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
        field_classes = {"language": LanguageField}
        widgets = {
            "short_text": _editor(rows=4),
            "full_text": _editor(rows=8),
        }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for name in ("short_text", "full_text"):
            if name in self.fields:
                # What is around a text is part of it: nothing changes by itself.
                cast(forms.CharField, self.fields[name]).strip = False
        if "language" in self.fields:
            offer_languages(self.fields["language"], self.instance.language)
        if self.instance.pk is None:
            self.fields["withdraw"].widget = forms.HiddenInput()
        elif "language" in self.fields:
            self.fields["language"].disabled = True
            self.fields["language"].help_text = "For another language, add another text."

    def clean_language(self):
        language = self.cleaned_data["language"]
        check_language(language)
        return language

    def clean_short_text(self):
        short_text = given_or_kept(self.cleaned_data["short_text"], self.instance.short_text)
        check_short_text(short_text)
        return short_text

    def clean_full_text(self):
        return given_or_kept(self.cleaned_data["full_text"], self.instance.full_text)


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
        css = {"all": ("unfold/forms/css/trix/trix.css",)}
        js = ("unfold/forms/js/trix/trix.js", "consents/editor.js", "consents/preview.js")

    def get_queryset(self, request):
        current = super().get_queryset(request).filter(superseded_at__isnull=True)
        return current.select_related("consent").order_by("language")

    def has_delete_permission(self, request, obj=None) -> bool:
        return False

    def get_extra(self, request, obj=None, **kwargs):
        return 0 if obj else 1


def version_badge(text: ConsentText) -> SafeString:
    """The number of a version, and whether visitors see this version now."""
    if text.superseded_at is None:
        return badge(f"Version {text.version}, current", "good")
    return badge(f"Version {text.version}")


def people(text: ConsentText) -> str:
    """How many contacts agree to exactly this text now."""
    number = people_who_agree_to(ConsentText.objects.filter(pk=text.pk), text.consent_id)
    return say_count(number, COUNTED)


def different_from_before(text: ConsentText) -> SafeString | None:
    """What this version has changed."""
    before = version_before(text)
    if before is None:
        return None
    shown = [
        (differences(getattr(before, name), getattr(text, name)),)
        for name in ("short_text", "full_text")
        if getattr(before, name) != getattr(text, name)
    ]
    inner = '<div class="break-words leading-relaxed mb-3 tl-lines">{}</div>'
    return format_html_join("", inner, shown)


class _Framed(Column):
    """HTML as visitors saw it."""

    def show(self, value: str) -> SafeString:
        return framed_html(value)


_CONSENT = Link("consent")
_SHOWN_FROM = Moment("created_at", "Shown from")


@admin.register(ConsentText)
class ConsentTextAdmin(ReadOnlyAdmin):
    """One version of a text, as the people who answered it saw it."""

    fields = (
        _CONSENT,
        "language",
        Column(version_badge, "Version"),
        _SHOWN_FROM,
        Moment("superseded_at", "Shown until", empty="Now"),
        _Framed("short_text"),
        _Framed("full_text"),
        Column(different_from_before, "Different from the version before", empty="Nothing before"),
        Column(people, "People who agree to it"),
    )
    list_display = ("language", _CONSENT, "version", _SHOWN_FROM)
    ordering = ("-id",)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return False

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("consent")
