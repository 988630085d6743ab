"""Every setting of the hub, read from the environment; the defaults run a laptop."""

import os
import sys
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from environs import Env, validate
from kombu.transport import TRANSPORT_ALIASES

from automations.emails.mailbox_address import read_mailbox_url
from automations.emails.quiet import read_quiet_hours
from config.logins.settings import *  # noqa: F403
from config.looks import UNFOLD  # noqa: F401 -- a setting of Unfold
from config.pools import connect_again
from config.programs import name_of_program
from destinations.networks import read_networks
from jobs.declaring import DEFAULT_QUEUE, route

env = Env()

BASE_DIR = Path(__file__).resolve().parent.parent

# Everything the hub keeps on this machine: the embedded database, the embedded broker, logs.
DATA_DIR = Path(env.str("DATA_DIR", str(BASE_DIR / ".data"))).absolute()
# The file of erasures, outside of PostgreSQL; machines of one hub share the folder.
ERASURES_DIR = Path(env.str("ERASURES_DIR", str(DATA_DIR / "erasures"))).absolute()
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
# Keys of before: what they have signed, such as the links of emails that were sent, stays valid.
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", [])
# What hashes the names of erased people; if it is not set, ERASURES_DIR/key, made once.
ERASURE_KEY = env.str("ERASURE_KEY", "")
if ERASURE_KEY and len(ERASURE_KEY) < 32:
    raise ImproperlyConfigured(
        "ERASURE_KEY is shorter than 32 characters. Set it to a long random value, for example the "
        "output of: python -c 'import secrets; print(secrets.token_urlsafe(50))'"
    )
# The hosts of the hub itself. The domains of website channels are allowed as well, and they are in
# the database: web.middleware.HostMiddleware checks both, Django's own check is not asked.
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
# A file for an import may have a thousand columns, each with a target and how it is read.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 4_000
# The largest file that a user may upload for an import.
IMPORT_MAX_MB = env.int("IMPORT_MAX_MB", 200)

# For how long a process goes on with what it knows of keys and domains; nobody should notice.
REMEMBERED_SECONDS = 0.5

# How much of a refused payload the inspector keeps, and for how long.
REJECTED_PAYLOAD_BYTES = 32 * 1024
REJECTED_PAYLOAD_BYTES_UNAUTHENTICATED = 4 * 1024
REJECTED_SAMPLES_PER_MINUTE_AND_SOURCE = env.int("REJECTED_SAMPLES_PER_MINUTE_AND_SOURCE", 20)
REJECTED_SAMPLES_PER_MINUTE = env.int("REJECTED_SAMPLES_PER_MINUTE", 200)
REJECTED_KEPT_PER_REQUEST = env.int("REJECTED_KEPT_PER_REQUEST", 20_000)
REJECTED_KEPT_DAYS = env.int("REJECTED_KEPT_DAYS", 30)

# How long the audit log keeps who changed what.
AUDIT_KEPT_DAYS = env.int("AUDIT_KEPT_DAYS", 1095, validate=validate.Range(min=1))

# How long a file with what the hub knows of one person can be downloaded before it is deleted.
ACCESS_FILES_KEPT_DAYS = env.int("ACCESS_FILES_KEPT_DAYS", 7, validate=validate.Range(min=1))
# For how long the file of an export can be downloaded.
EXPORT_DAYS = env.int("EXPORT_DAYS", 7, validate=validate.Range(min=1))

# New activity types that unknown event names may create in an hour of the clock, over all doors.
NEW_ACTIVITY_TYPES_PER_HOUR = env.int("NEW_ACTIVITY_TYPES_PER_HOUR", 200)

# The longest event name in the ActiveCampaign format; 0 is as long as a type's code name may be.
ACTIVECAMPAIGN_MAX_EVENT_NAME = env.int("ACTIVECAMPAIGN_MAX_EVENT_NAME", 0)
# What a channel may ask for in a second in the ActiveCampaign format; 0 is as much as it wants.
ACTIVECAMPAIGN_REQUESTS_PER_SECOND = env.int("ACTIVECAMPAIGN_REQUESTS_PER_SECOND", 0)

# Contacts that the browsers at one address may become on one website within an hour.
NEW_CONTACTS_PER_SITE_AND_ADDRESS_PER_HOUR = env.int(
    "NEW_CONTACTS_PER_SITE_AND_ADDRESS_PER_HOUR", 300
)

# How often one key of the read API may ask in a minute; 0 is as often as it wants.
READ_API_REQUESTS_PER_MINUTE = env.int("READ_API_REQUESTS_PER_MINUTE", 600)

# Applications

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    # Before the app whose runserver it replaces.
    "config",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "corsheaders",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "adminsite",
    "jobs",
    "web",
    "readers",
    "channels",
    "contacts",
    "consents",
    "activities",
    "groups",
    "destinations",
    "automations",
    "exchange",
    "figures",
    "privacy",
    "crosssite",
    "tracking",
]

# Every door: a module that has a DOOR. The paths of the first come first.
DOORS = [
    "tracking.headless.door",
    "tracking.activecampaign.door",
    "tracking.commandersact.door",
    "tracking.reading.door",
    "crosssite.door",
    "activities.door",
]

# Every reader: what follows the logs of what was recorded.
READERS = [
    "activities.seen.SEEN",
    "groups.following.GROUPS",
    "automations.following.AUTOMATIONS",
    "destinations.following.DESTINATIONS",
    "figures.following.FIGURES",
]

# Every kind of object that configuration files have: what is referred to comes first.
CONFIGURATION_KINDS = [
    "exchange.configuration.ACTIVITY_TYPE",
    "exchange.configuration.CONSENT",
    "exchange.configuration.CHANNEL",
    "crosssite.configuration.TRACKED_SITE",
    "exchange.automations.TEMPLATE",
    "exchange.configuration.CONTACT_GROUP",
    "exchange.destinations.DESTINATION",
    "exchange.automations.AUTOMATION",
]

MIDDLEWARE = [
    "config.security.HubSecurityMiddleware",
    "config.security.PolicyMiddleware",
    "web.middleware.DoorMiddleware",
    "web.cors.DoorCorsMiddleware",
    "web.middleware.HostMiddleware",
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
    "config.deeds.AuditMiddleware",
    "config.logins.sessions.KnownSessionMiddleware",
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
    DATABASES = {"default": env.dj_db_url("DATABASE_URL", engine="database.postgres")}
else:
    DATABASES = {"default": {"ENGINE": "config.embedded", "NAME": "throughline"}}
DATABASES["default"].setdefault("OPTIONS", {})
# What changes something is named after its program in the audit log, unless a user of the admin
# did it.
DATABASES["default"]["OPTIONS"].setdefault("application_name", name_of_program(sys.argv))
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
# Who can write to the broker must not run code in workers, as a pickled message would.
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = DEFAULT_QUEUE
CELERY_TASK_ROUTES = [route]
CELERY_TASK_TIME_LIMIT = 600
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "celerybeat-schedule")
SWEEP_SECONDS = env.float("SWEEP_SECONDS", 10.0)
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
    "TITLE": "Throughline",
    "DESCRIPTION": "The APIs of a Throughline hub; /api/docs/ explains them.",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
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

# Mail: by a server at EMAIL_URL, or by a provider of django-anymail. Without both, what would be
# sent is in the outbox of the admin.

_OUTBOX = "automations.emails.outbox.EmailBackend"
EMAIL_BACKEND = env.str("EMAIL_BACKEND", "")
if not EMAIL_BACKEND:
    if env.str("EMAIL_URL", ""):
        globals().update(env.dj_email_url("EMAIL_URL"))
    else:
        EMAIL_BACKEND = _OUTBOX
HAS_MAIL_SERVER = EMAIL_BACKEND != _OUTBOX
ANYMAIL = {
    name.removeprefix("ANYMAIL_"): value
    for name, value in os.environ.items()
    if name.startswith("ANYMAIL_")
}
# An EMAIL_URL may have it as well.
DEFAULT_FROM_EMAIL = env.str(
    "DEFAULT_FROM_EMAIL", globals().get("DEFAULT_FROM_EMAIL", "hub@localhost")
)
# Where links in emails lead; the hub's own address as contacts reach it.
PUBLIC_URL = env.str("PUBLIC_URL", f"http://localhost:{PORT}").rstrip("/")
# A request waits for the mail server in a thread that others need.
EMAIL_TIMEOUT = env.float("EMAIL_TIMEOUT", 10.0, validate=validate.Range(min=0.1))
# Over how many connections at a time a worker hands emails over.
EMAIL_CONNECTIONS = env.int("EMAIL_CONNECTIONS", 4, validate=validate.Range(min=1, max=100))
# How many requests a destination gets at a time.
DELIVERY_SLOTS = env.int("DELIVERY_SLOTS", 8, validate=validate.Range(min=1, max=100))
# How many emails leave in a second and in a day (0: as many as there are), at which hours of
# TIME_ZONE none leaves, such as 21:00-07:00, and how many a contact gets within seven days. The
# last two are not about transactional emails.
EMAILS_PER_SECOND = env.int("EMAILS_PER_SECOND", 0, validate=validate.Range(min=0))
EMAILS_PER_DAY = env.int("EMAILS_PER_DAY", 0, validate=validate.Range(min=0))
EMAIL_QUIET_HOURS = env.str("EMAIL_QUIET_HOURS", "")
read_quiet_hours(EMAIL_QUIET_HOURS, TIME_ZONE)
EMAILS_PER_CONTACT_AND_WEEK = env.int(
    "EMAILS_PER_CONTACT_AND_WEEK", 0, validate=validate.Range(min=0)
)
# Where emails come back to that cannot be delivered, if not to their sender; and the mailbox in
# which they are then found, such as imaps://user:password@mail.example.com/INBOX.
BOUNCE_ADDRESS = env.str("BOUNCE_ADDRESS", "")
BOUNCE_MAILBOX_URL = env.str("BOUNCE_MAILBOX_URL", "")
read_mailbox_url(BOUNCE_MAILBOX_URL)
# Of how many contacts on a second person has to approve of an automation or a broadcast; 0: never.
AUTOMATION_APPROVAL_FROM = env.int("AUTOMATION_APPROVAL_FROM", 0)
# Whether a second user approves before a person is erased by a request, and before a retention rule
# that erases contacts is switched on.
ERASURE_NEEDS_TWO = env.bool("ERASURE_NEEDS_TWO", False)

# Networks in which destinations may be although not everybody can reach them, such as 10.1.0.0/16.
DESTINATION_ALLOWED_NETWORKS: list[str] = env.list("DESTINATION_ALLOWED_NETWORKS", [])
read_networks(DESTINATION_ALLOWED_NETWORKS)

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
