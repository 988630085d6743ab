"""What django-allauth asks the hub: who may log in, how often, and how mail is sent."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.stagekit import clear_login
from allauth.account.models import EmailAddress
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.contrib import messages
from django.contrib.auth import authenticate
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AbstractUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from config.logins.emails import users_with_email
from config.logins.limits import TooBusy, address_of, may_try_password, one_hash_at_a_time
from config.logins.postbox import post
from config.logins.sealing import seal, unseal

NOT_STAFF = "This user may not use the admin. Ask an administrator to give it “staff status”."


class AccountAdapter(DefaultAccountAdapter):
    """Logins by password, for the users of the admin."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "too_many_login_attempts": (
            "Too many attempts to log in. Wait five minutes, then try again."
        ),
        "busy": "Too many users are logging in just now. Try again in a few seconds.",
        "unknown_key": "This is not the answer of a passkey. Try again.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never: users are made in the admin."""
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """The address that the limits count."""
        return address_of(request)

    def authenticate(self, request: HttpRequest, **credentials: Any) -> AbstractBaseUser | None:
        """The user with this name and password if it may use the admin, else None.

        Raises ValidationError, before a hash is made, if there were too many attempts.
        """
        name, password = credentials.get("username", ""), credentials.get("password", "")
        if not may_try_password(name, address_of(request)):
            raise self.validation_error("too_many_login_attempts")
        try:
            with one_hash_at_a_time():
                user = authenticate(request, username=name, password=password)
        except TooBusy:
            raise self.validation_error("busy") from None
        # The answer to a wrong password, so that nobody learns who is a user of something else.
        return user if isinstance(user, AbstractUser) and user.is_staff else None

    def pre_login(
        self, request: HttpRequest, user: AbstractBaseUser, **kwargs: Any
    ) -> HttpResponse | None:
        """An answer if the user may not log in, by whatever way it came: password, key, SSO."""
        if isinstance(user, AbstractUser) and user.is_active and not user.is_staff:
            clear_login(request)
            messages.error(request, NOT_STAFF)
            return redirect("account_login")
        return super().pre_login(request, user, **kwargs)

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """Where a user goes who has a new password; by default the same form again."""
        return reverse("admin:index")

    def send_mail(self, template_prefix: str, email: str, context: dict) -> None:
        """Have an email sent, after the answer."""
        send = super().send_mail
        post(lambda: send(template_prefix, email, context))


class SocialAccountAdapter(DefaultSocialAccountAdapter):
    """Logins by OpenID Connect, for users that exist."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """Never: a user with the same email has to be there."""
        return False

    def authenticate_by_email(self, sociallogin: Any) -> tuple[AbstractUser, str] | None:
        """The user with an email that the server has verified; None if there is none, or are two.

        Administrators write emails in any letter case; allauth would find those in lower case only.
        """
        for address in sociallogin.email_addresses:
            users = users_with_email(address.email) if address.verified else []
            if len(users) == 1:
                _know_verified(users[0], address.email.lower())
                return users[0], address.email
        return None


def _know_verified(user: AbstractUser, email: str) -> None:
    """Let allauth know this email of the user, or it takes away the user's password."""
    # The administrator may have given it to another user since.
    EmailAddress.objects.filter(email__iexact=email).exclude(user=user).delete()
    EmailAddress.objects.update_or_create(user=user, email=email, defaults={"verified": True})


class MFAAdapter(DefaultMFAAdapter):
    """Second factors."""

    def get_totp_label(self, user: AbstractBaseUser) -> str:
        """What an authenticator app calls the login."""
        return user.get_username()

    def encrypt(self, text: str) -> str:
        """A secret as the database has it."""
        return seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        """The secret that the database has."""
        return unseal(encrypted_text)
