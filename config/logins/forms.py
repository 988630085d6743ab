"""The forms of the login pages that count attempts before they check anything."""

from typing import Any

from allauth.account import forms as account
from allauth.account.adapter import get_adapter
from allauth.mfa.base import forms as codes
from allauth.mfa.webauthn import forms as webauthn
from django import forms
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError

from config.logins.emails import users_with_email
from config.logins.limits import ATTEMPTS_OF_USER, TooBusy, one_hash_at_a_time


def _count_attempt(user: Any) -> None:
    if not ATTEMPTS_OF_USER.allows(user.pk):
        raise get_adapter().validation_error("too_many_login_attempts")


class LoginForm(account.LoginForm):
    """Name and password."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        longest = get_user_model()._meta.get_field("username").max_length
        self.fields["login"] = forms.CharField(
            label="Username",
            max_length=longest,
            widget=forms.TextInput(attrs={"autocomplete": "username", "autofocus": True}),
        )
        # No hash of a megabyte: nobody has such a password.
        self.fields["password"].max_length = 1_000
        self.fields["password"].help_text = ""
        self.order_fields(["login", "password"])

    def add_prefix(self, field_name: str) -> str:
        """The name in HTML: that of Django's own form, which password managers know already."""
        return super().add_prefix("username" if field_name == "login" else field_name)


class ResetPasswordForm(account.ResetPasswordForm):
    """The email of the user."""

    def clean_email(self) -> str:
        """Find the users who may use the admin and have this email in any letter case."""
        email = self.cleaned_data["email"]
        self.users = [u for u in users_with_email(email) if u.is_active and u.is_staff]
        return email


class ChangePasswordForm(account.ChangePasswordForm):
    """The old password and, twice, the new one."""

    def clean_oldpassword(self) -> str:
        """Refuse a wrong password, and too many of them before a hash is made."""
        _count_attempt(self.user)
        try:
            with one_hash_at_a_time():
                return super().clean_oldpassword()
        except TooBusy:
            raise get_adapter().validation_error("busy") from None


class _LimitedCode(forms.Form):
    user: Any

    def clean_code(self) -> str:
        """Refuse a wrong code, and any after too many of them: a code has six digits."""
        _count_attempt(self.user)
        # Copied from a screen it often has a space in the middle.
        self.cleaned_data["code"] = "".join(self.cleaned_data["code"].split())
        return super().clean_code()  # type: ignore[misc]


class AuthenticateForm(_LimitedCode, codes.AuthenticateForm):
    """The code of a second factor while logging in."""


class ReauthenticateForm(_LimitedCode, codes.ReauthenticateForm):
    """The code of a second factor before something that matters."""


class _ReadableCredential(forms.Form):
    def clean_credential(self) -> Any:
        """What the key answered; an error of the form if that is not what keys answer."""
        try:
            return super().clean_credential()  # type: ignore[misc]
        except ValidationError:
            raise
        except (AttributeError, KeyError, TypeError, ValueError):
            raise get_adapter().validation_error("unknown_key") from None


class AuthenticateWebAuthnForm(_ReadableCredential, webauthn.AuthenticateWebAuthnForm):
    """The answer of a passkey as the second factor."""


class LoginWebAuthnForm(_ReadableCredential, webauthn.LoginWebAuthnForm):
    """The answer of a passkey instead of name and password."""


class ReauthenticateWebAuthnForm(_ReadableCredential, webauthn.ReauthenticateWebAuthnForm):
    """The answer of a passkey before something that matters."""
