"""What logins do and look like, the same on every hub: part of `config/settings.py`."""

LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
_RULES = "django.contrib.auth.password_validation."
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"{_RULES}MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": f"{_RULES}UserAttributeSimilarityValidator"},
    {"NAME": f"{_RULES}CommonPasswordValidator"},
    {"NAME": f"{_RULES}NumericPasswordValidator"},
]
ACCOUNT_ADAPTER = "config.logins.adapters.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "config.logins.forms.LoginForm",
    "change_password": "config.logins.forms.ChangePasswordForm",
    "reset_password": "config.logins.forms.ResetPasswordForm",
}
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_SUBJECT_PREFIX = "Throughline: "
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_REDIRECT_URL = LOGIN_URL
ACCOUNT_REAUTHENTICATION_METHODS = ["password", "mfa"]
# config.logins.limits counts instead: allauth's own way needs a cache with locks, and waits for it.
ACCOUNT_RATE_LIMITS = MFA_RATE_LIMITS = False
MFA_ADAPTER = "config.logins.adapters.MFAAdapter"
MFA_FORMS = {
    "authenticate": "config.logins.forms.AuthenticateForm",
    "reauthenticate": "config.logins.forms.ReauthenticateForm",
    "authenticate_webauthn": "config.logins.forms.AuthenticateWebAuthnForm",
    "login_webauthn": "config.logins.forms.LoginWebAuthnForm",
    "reauthenticate_webauthn": "config.logins.forms.ReauthenticateWebAuthnForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
# Nobody signs up with the email of another: administrators write the emails.
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_TOTP_ISSUER = "Throughline"
# Phones are seconds off: the code before and after counts, too.
MFA_TOTP_TOLERANCE = 1
