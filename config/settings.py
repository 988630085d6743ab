"""Every setting of the hub, read from the environment; the defaults run a laptop."""

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.urls import reverse_lazy
from environs import Env, validate
from kombu.transport import TRANSPORT_ALIASES

from config.pools import connect_again

env = Env()

BASE_DIR = Path(__file__).resolve().parent.parent

# Everything the hub keeps on this machine: the embedded database, the embedded broker, logs.
DATA_DIR = Path(env.str("DATA_DIR", str(BASE_DIR / ".data"))).absolute()
PORT = env.int("PORT", 8000)
HOST = env.str("HOST", "127.0.0.1")
# Whether the websites of the demo are served as well; `serve --demo` sets it.
DEMO = env.bool("DEMO", False)

# How many web processes `serve` starts: Python uses one core in each.
_CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
WEB_PROCESSES = env.int("WEB_PROCESSES", min(4, _CORES), validate=validate.Range(min=1))
# In how many threads each of them answers requests.
WEB_THREADS = env.int("WEB_THREADS", 16, validate=validate.Range(min=1))

# Security

DEVELOPMENT_SECRET_KEY = "development-only-and-public"  # noqa: S105 -- refused in production
DEBUG = env.bool("DEBUG", False)
PRODUCTION = env.bool("PRODUCTION", False)
SECRET_KEY = env.str("SECRET_KEY", DEVELOPMENT_SECRET_KEY)
if PRODUCTION and (SECRET_KEY == DEVELOPMENT_SECRET_KEY or len(SECRET_KEY) < 32):
    raise ImproperlyConfigured(
        "PRODUCTION is on, but SECRET_KEY is missing, shorter than 32 characters, or the one from "
        "development. Set SECRET_KEY to a long random value, for example the output of: "
        "python -c 'import secrets; print(secrets.token_urlsafe(50))'"
    )
# The hosts of the hub itself. The domains of website channels are allowed as well, and they are in
# the database: crosssite.hosts.HostMiddleware checks both, Django's own check is not asked.
HUB_HOSTS: list[str] = env.list(
    "ALLOWED_HOSTS", [] if PRODUCTION else ["localhost", ".localhost", "127.0.0.1", "[::1]"]
)
ALLOWED_HOSTS = ["*"]
# Where the admin answers; on every host of the hub if empty.
ADMIN_HOSTS: list[str] = env.list("ADMIN_HOSTS", [])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [])
# Behind a proxy that ends TLS, set this so that Django knows which requests came in over HTTPS.
TRUST_FORWARDED_PROTO = env.bool("TRUST_FORWARDED_PROTO", False)
if TRUST_FORWARDED_PROTO:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# How many proxies of ours a request passes; X-Forwarded-For is believed as far as that.
PROXY_COUNT = env.int("PROXY_COUNT", 0)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
# Only a hub that is told which requests came in over HTTPS can send the others there; without that
# it would send them in circles.
SECURE_SSL_REDIRECT = env.bool("SSL_REDIRECT", PRODUCTION and TRUST_FORWARDED_PROTO)
# Load balancers ask by plain HTTP.
SECURE_REDIRECT_EXEMPT = [r"^health/"]
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", 31_536_000 if PRODUCTION else 0)
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"

# What a page may load and run: of our own files only, and nothing that stands in the page itself.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}
# Unfold's pages are made of Alpine, which evaluates their attributes, and of inline styles.
ADMIN_CONTENT_SECURITY_POLICY = {
    **CONTENT_SECURITY_POLICY["DIRECTIVES"],
    "script-src": ["'self'", "'unsafe-eval'"],
    "style-src": ["'self'", "'unsafe-inline'"],
}

# The tracking API

# Whether the doors of apps and servers answer; websites have switches of their own.
TRACKING_API_ENABLED = env.bool("TRACKING_API_ENABLED", True)
READ_ONLY = env.bool("READ_ONLY", False)
READ_ONLY_RETRY_AFTER_SECONDS = 120
BUSY_RETRY_AFTER_SECONDS = 5
MAX_BODY_BYTES = env.int("MAX_BODY_BYTES", 10_000_000)
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES

# For how long a process goes on with what it knows of keys and domains; nobody should notice.
REMEMBERED_SECONDS = 0.5

# How much of a refused payload the inspector keeps, and for how long.
REJECTED_PAYLOAD_BYTES = 32 * 1024
REJECTED_PAYLOAD_BYTES_UNAUTHENTICATED = 4 * 1024
REJECTED_SAMPLES_PER_MINUTE_AND_SOURCE = env.int("REJECTED_SAMPLES_PER_MINUTE_AND_SOURCE", 20)
REJECTED_SAMPLES_PER_MINUTE = env.int("REJECTED_SAMPLES_PER_MINUTE", 200)
REJECTED_KEPT_PER_REQUEST = env.int("REJECTED_KEPT_PER_REQUEST", 20_000)
REJECTED_KEPT_DAYS = env.int("REJECTED_KEPT_DAYS", 30)

# Activity types that event names seen for the first time may become within an hour, of all doors.
NEW_ACTIVITY_TYPES_PER_HOUR = env.int("NEW_ACTIVITY_TYPES_PER_HOUR", 200)

# The longest event name in the ActiveCampaign format; 0 is as long as a type's code name may be.
ACTIVECAMPAIGN_MAX_EVENT_NAME = env.int("ACTIVECAMPAIGN_MAX_EVENT_NAME", 0)
# What a channel may ask for in a second in the ActiveCampaign format; 0 is as much as it wants.
ACTIVECAMPAIGN_REQUESTS_PER_SECOND = env.int("ACTIVECAMPAIGN_REQUESTS_PER_SECOND", 0)

# Contacts that the browsers at one address may become on one website within an hour.
NEW_CONTACTS_PER_SITE_AND_ADDRESS_PER_HOUR = env.int(
    "NEW_CONTACTS_PER_SITE_AND_ADDRESS_PER_HOUR", 300
)

# Applications

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "corsheaders",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "config",
    "adminsite",
    "web",
    "channels",
    "contacts",
    "consents",
    "activities",
    "crosssite",
    "tracking",
]

# Every door: a module that has a DOOR. The paths of the first come first.
DOORS = [
    "tracking.headless.door",
    "tracking.activecampaign.door",
    "tracking.commandersact.door",
    "crosssite.door",
    "activities.door",
]

MIDDLEWARE = [
    "config.security.HubSecurityMiddleware",
    "config.security.PolicyMiddleware",
    "web.middleware.DoorMiddleware",
    "web.cors.DoorCorsMiddleware",
    "crosssite.hosts.HostMiddleware",
    "web.middleware.ServeDoorsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.read_only.ReadOnlyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "crosssite.middleware.CurrentContactMiddleware",
]

if DEMO:
    MIDDLEWARE += ["config.demo.websites.DemoWebsitesMiddleware"]

ROOT_URLCONF = "config.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
APPEND_SLASH = True

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.logins.views.admin_context",
            ],
        },
    }
]

# PostgreSQL, always: a server of yours by DATABASE_URL, else the embedded one under DATA_DIR.

if DATABASE_URL := env.str("DATABASE_URL", ""):
    DATABASES = {"default": env.dj_db_url("DATABASE_URL")}
else:
    DATABASES = {"default": {"ENGINE": "config.embedded", "NAME": "throughline"}}
DATABASES["default"].setdefault("OPTIONS", {})
# How often database.cursors sends a statement before the server keeps it prepared.
DATABASES["default"]["OPTIONS"].setdefault("prepare_threshold", 5)
# At least one for each thread. The event loop of a web process has connections of its own.
DATABASES["default"]["OPTIONS"]["pool"] = {
    "min_size": 0,
    "max_size": env.int("DATABASE_POOL_SIZE", 40),
    # As long as the event loop waits.
    "timeout": 5,
    # By itself a pool waits one second more after a failure, then two, then four: longer than most
    # failures last.
    "reconnect_timeout": 0.2,
    "reconnect_failed": connect_again,
}

# Celery: a doorbell. Redis with REDIS_URL, else files under DATA_DIR.

REDIS_URL = env.str("REDIS_URL", "")
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {
    "activities.apply_data_input": {"queue": "data_input"},
    "contacts.carry_out_merge": {"queue": "merging"},
}
CELERY_TASK_TIME_LIMIT = 600
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "celerybeat-schedule")
SWEEP_SECONDS = env.float("SWEEP_SECONDS", 10.0)
CELERY_BEAT_SCHEDULE = {
    "sweep-data-input": {"task": "activities.sweep_data_input", "schedule": SWEEP_SECONDS},
    "sweep-merges": {"task": "contacts.sweep_merges", "schedule": SWEEP_SECONDS},
    "forget-old-rejections": {"task": "activities.forget_old_rejections", "schedule": 3600.0},
    "recount-activities": {"task": "activities.recount_activities", "schedule": 3600.0},
    "forget-old-creations": {"task": "tracking.forget_old_creations", "schedule": 3600.0},
    "forget-what-browsers-left": {"task": "crosssite.forget", "schedule": 3600.0},
    "forget-old-counts": {"task": "web.forget_old_counts", "schedule": 3600.0},
    "beat-heart": {"task": "config.beat_heart", "schedule": 5.0},
}
if REDIS_URL:
    CELERY_BROKER_URL = REDIS_URL
else:
    TRANSPORT_ALIASES["embedded"] = "config.embedded.broker:Transport"
    CELERY_BROKER_URL = "embedded://"
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(DATA_DIR / "broker" / "messages"),
        "data_folder_out": str(DATA_DIR / "broker" / "messages"),
        "control_folder": str(DATA_DIR / "broker" / "control"),
        "polling_interval": 0.1,
    }

# REST

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Throughline tracking API",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}
CORS_ALLOWED_ORIGINS: list[str] = []  # they are in the database, see web/cors.py
CORS_EXPOSE_HEADERS = ["Request-Id", "Retry-After"]

# Language, time, static files, logs

LANGUAGE_CODE = "en"
TIME_ZONE = env.str("TIME_ZONE", "UTC")
USE_TZ = True
STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"outages": {"()": "config.logs.OutageFilter"}},
    "formatters": {
        "line": {
            "class": "config.logs.DiscreetFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s: %(message)s",
        }
    },
    "loggers": {
        # Django's own handlers would write what the formatter here leaves out.
        "django": {"handlers": []},
        # A refused request is in the inspector; here it would only put people's GUIDs into the log.
        "django.request": {"level": "ERROR"},
        # A line for each attempt, several in a second; who needed the connection says it once.
        "psycopg.pool": {"level": "ERROR"},
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["outages"]}
    },
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", "WARNING")},
}

# Logins: by password, second factor and passkey, and by SSO if its settings are there

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

# Mail about logins, such as links that reset a password; none without EMAIL_URL.
HAS_MAIL_SERVER = bool(env.str("EMAIL_URL", ""))
if HAS_MAIL_SERVER:
    globals().update(env.dj_email_url("EMAIL_URL"))
else:
    EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
# A request waits for the mail server in a thread that others need.
EMAIL_TIMEOUT = 10
ACCOUNT_EMAIL_NOTIFICATIONS = HAS_MAIL_SERVER

# OpenID Connect: users are known by the email that the server has verified.
SOCIALACCOUNT_ADAPTER = "config.logins.adapters.SocialAccountAdapter"
SOCIALACCOUNT_EMAIL_AUTHENTICATION = True
SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True
SOCIALACCOUNT_PROVIDERS: dict = {}
if OIDC_SERVER_URL := env.str("OIDC_SERVER_URL", ""):
    SOCIALACCOUNT_PROVIDERS["openid_connect"] = {
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [
            {
                "provider_id": "sso",
                "name": env.str("OIDC_NAME", "SSO"),
                "client_id": env.str("OIDC_CLIENT_ID"),
                "secret": env.str("OIDC_CLIENT_SECRET"),
                "settings": {"server_url": OIDC_SERVER_URL},
            }
        ],
    }

# The looks of the admin

UNFOLD = {
    "SITE_TITLE": "Throughline",
    "SITE_HEADER": "Throughline",
    "SITE_SUBHEADER": "Marketing hub",
    "SITE_URL": None,
    "SITE_ICON": lambda request: static("adminsite/icon.svg"),
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "sizes": "any",
            "href": lambda request: static("adminsite/icon.svg"),
        }
    ],
    "STYLES": [lambda request: static("adminsite/admin.css")],
    "SCRIPTS": [lambda request: static("adminsite/admin.js")],
    "DASHBOARD_CALLBACK": "config.dashboard.dashboard",
    "SHOW_BACK_BUTTON": True,
    "ACCOUNT": {
        "navigation": [
            {"title": "Password", "link": reverse_lazy("account_change_password")},
            {"title": "Two-factor", "link": reverse_lazy("mfa_index")},
        ]
    },
    "SHOW_VIEW_ON_SITE": False,
    "SIDEBAR": {"navigation": "config.navigation.sidebar"},
    "TABS": "config.navigation.tabs",
    # Petrol: white text on 600, and 400 on the dark background, have a contrast above 4.5.
    "COLORS": {
        "primary": {
            "50": "oklch(97.5% .014 205)",
            "100": "oklch(94.5% .03 205)",
            "200": "oklch(89.5% .055 206)",
            "300": "oklch(82% .09 208)",
            "400": "oklch(73% .11 210)",
            "500": "oklch(62% .11 213)",
            "600": "oklch(49.5% .09 216)",
            "700": "oklch(43% .08 219)",
            "800": "oklch(37% .067 222)",
            "900": "oklch(31% .055 225)",
            "950": "oklch(23% .042 228)",
        }
    },
}
