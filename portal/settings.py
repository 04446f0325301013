"""Read all settings from environment variables. README.md lists them."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import django_stubs_ext
import environ
import structlog
from csp.constants import NONE, SELF

from portal import environment

django_stubs_ext.monkeypatch()  # allows generic types such as ModelAdmin[Patient] at run time

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(environment.text("DATA_DIR") or BASE_DIR / "var")

# While this file exists, every page except /healthz shows that an update is in progress.
UPDATING_FILE = Path(environment.text("UPDATING_FILE") or DATA_DIR / "updating")

env = environ.FileAwareEnv()

# --- Installation -------------------------------------------------------

DEMO = environment.switch("DEMO")
DEBUG = environment.switch("DEBUG")

HOST = environment.text("HOST") or "127.0.0.1"
PORT = environment.number("PORT", default=8000)

# The address that families and staff type. Messages and PIN sheets contain it.
_listens_everywhere = HOST in {"0.0.0.0", "::"}  # noqa: S104 - a comparison, not a bind
_local_name = "localhost" if _listens_everywhere or HOST in {"127.0.0.1", "::1"} else HOST
PUBLIC_URL = (environment.text("PUBLIC_URL") or f"http://{_local_name}:{PORT}").rstrip("/")
_public = urlsplit(PUBLIC_URL)
HTTPS = _public.scheme == "https"

_demo_dir = DATA_DIR if DEMO else None
SECRET_KEY = environment.secret("SECRET_KEY", demo_dir=_demo_dir)
SEALING_KEYS = environment.secret("SEALING_KEYS", demo_dir=_demo_dir).split(",")
PIN_PEPPER = environment.secret("PIN_PEPPER", demo_dir=_demo_dir)
AUDIT_KEY = environment.secret("AUDIT_KEY", demo_dir=_demo_dir)

ALLOWED_HOSTS = [
    _public.hostname or "localhost",
    *filter(None, environment.text("ALLOWED_HOSTS").split(",")),
    *((["*"] if _listens_everywhere else ["localhost", "127.0.0.1", HOST]) if DEMO else []),
]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if HTTPS else []

# --- Apps, middleware, templates --------------------------------------------------------------------------------

INSTALLED_APPS = [
    "registration",
    "patients",
    "notifications",
    "portal",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "crispy_forms",
    "crispy_bootstrap5",
    "csp",
    "django_htmx",
]
MIDDLEWARE = [
    "portal.health.answer_health_checks",
    "portal.response_timing.even_response_time",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "portal.sessions.no_store",
    "registration.family.error_pages.maintenance_mode",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "portal.sessions.end_sessions",
    "registration.family.language.family_language",
    "registration.family.kiosk.kiosk_timeout",
    "registration.family.signup.drafts.expire_draft",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.access.staff_context",
                "registration.family.context_processors.family_context",
            ],
            "libraries": {
                "account_panels": "registration.desk.account_panels",
                "match_tags": "registration.desk.match_tags",
                "field_tags": "registration.family.field_tags",
            },
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"

LANGUAGE_CODE = "en"
# The languages of the family pages. To add one, add a line here and a catalog under locale/.
LANGUAGES = [("en", "English"), ("es", "Español")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_TZ = True
TIME_ZONE = "UTC"  # desk and family pages override it with the practice's time zone

# --- Database, cache ----------------------------------------------------------------------------

DATABASES: dict[str, dict[str, Any]] = {
    "default": env.db("DATABASE_URL")
    if environment.text("DATABASE_URL")
    else {"ENGINE": "django.db.backends.sqlite3", "NAME": str(DATA_DIR / "portal.sqlite3")}
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    Path(DATABASES["default"]["NAME"]).parent.mkdir(parents=True, exist_ok=True)
    # Without IMMEDIATE, two processes that write at the same time fail with "database is locked".
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        # A cache of 32 MiB. SQLite's default of 2 MiB is too small for repeated searches among a million patients.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-32768;",
    }
elif environment.switch("DATABASE_POOLER"):
    # The pooler may run the next statement on another connection, which has no prepared statements or cursors of ours.
    DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = True
else:
    _url_options = DATABASES["default"].get("OPTIONS", {})  # options given in DATABASE_URL override ours
    DATABASES["default"]["OPTIONS"] = {
        # Plan each statement once per connection. Planning took a fifth of a search, more than running the statement.
        "server_side_binding": True,
        "prepare_threshold": 5,
        **_url_options,
        # Like SQLite's timeout: waiting for a locked row fails with a message instead of hanging. It also keeps a
        # machine that loses power while it records an audit event from blocking the others.
        "options": " ".join(
            ["-c lock_timeout=20s -c idle_in_transaction_session_timeout=60s", _url_options.get("options", "")]
        ).strip(),
    }
# Keep connections open between requests, because SQLite's cache and PostgreSQL's plans belong to the connection.
DATABASES["default"].setdefault("CONN_MAX_AGE", 600)
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Sign-in attempts are counted in the cache, so all web servers must share it. They all share the database.
CACHES = {
    "default": env.cache("CACHE_URL")
    if environment.text("CACHE_URL")
    else {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache"}
}

# --- Sign-in and sessions ---------------------------------------------------------------------

AUTH_USER_MODEL = "portal.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
# NIST SP 800-63B-4 3.1.1.2: at least 15 characters without a second factor, a block list, no composition rules.
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "portal.password_validators.MinimumLengthValidator", "OPTIONS": {"min_length": 15}},
    {"NAME": "portal.password_validators.CommonPasswordValidator"},
    {"NAME": "portal.password_validators.UserAttributeSimilarityValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "notifications.allauth_adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"  # administrators create staff accounts; there is no sign-up
ACCOUNT_LOGOUT_REDIRECT_URL = "/accounts/login/"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True  # a link would put the secret in a URL (ASVS 14.2.1)
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_EMAIL_NOTIFICATIONS = True  # about a changed password or second factor (ASVS 6.3.7)
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False  # otherwise anyone could make us email any address
ACCOUNT_FORMS = {
    "login": "portal.account_forms.Login",
    "change_password": "portal.account_forms.ChangePassword",
    "set_password": "portal.account_forms.SetPassword",
    "reset_password": "portal.account_forms.ResetPassword",
    "reset_password_from_key": "portal.account_forms.ResetPasswordFromKey",
    "confirm_password_reset_code": "portal.account_forms.ConfirmPasswordResetCode",
    "reauthenticate": "portal.account_forms.Reauthenticate",
}
MFA_FORMS = {
    "authenticate": "portal.account_forms.Authenticate",
    "reauthenticate": "portal.account_forms.ReauthenticateWithCode",
    "activate_totp": "portal.account_forms.ActivateTotp",
    "generate_recovery_codes": "portal.account_forms.GenerateRecoveryCodes",
    "add_webauthn": "portal.account_forms.AddPasskey",
    "edit_webauthn": "portal.account_forms.EditPasskey",
}
MFA_ADAPTER = "portal.second_factor.MFAAdapter"
MFA_SUPPORTED_TYPES = ["webauthn", "totp", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Practice portal"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = DEMO

# NIST SP 800-63B-4 2.2.3 (AAL2). Twelve hours cover a working day at the front desk.
SESSION_IDLE_LIMIT = timedelta(minutes=30)
SESSION_LIMIT = timedelta(hours=12)
SESSION_COOKIE_AGE = int(SESSION_LIMIT.total_seconds())
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "csrf"
CSRF_FAILURE_VIEW = "portal.views.stale_form"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"

# --- The browser ---------------------------------------------------------------------------------

SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds()) if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
BEHIND_PROXY = environment.switch("BEHIND_PROXY")
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    ALLAUTH_TRUSTED_PROXY_COUNT = 1  # count attempts by the client's address, not the proxy's
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],  # Bootstrap's check marks are data: images
        "font-src": [SELF],
        "connect-src": [SELF],
        "frame-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
PERMISSIONS_POLICY: dict[str, list[str]] = {
    name: [] for name in ("camera", "display-capture", "geolocation", "microphone", "payment", "usb")
}

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.InMemoryStorage"
    },  # logos are stored in the database, so no uploaded file is kept
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

# --- Email --------------------------------------------------------------------------------------------

DEMO_MAILBOX = DATA_DIR / "demo-mailbox" if DEMO and not environment.text("EMAIL_URL") else None
if environment.text("EMAIL_URL"):
    globals().update(env.email("EMAIL_URL"))
    EMAIL_TIMEOUT = 10
elif DEMO_MAILBOX:
    EMAIL_BACKEND = "notifications.demo_mailbox.Backend"
else:
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = environment.mail_address("FROM_EMAIL", default=f"portal@{_public.hostname}")
CHECK_EMAIL_DELIVERABILITY = environment.switch("CHECK_EMAIL_DELIVERABILITY")
# How long a worker holds a message before another may take it over. Must be longer than a send limited by EMAIL_TIMEOUT.
DELIVERY_LEASE = timedelta(seconds=environment.number("DELIVERY_LEASE_SECONDS", default=120))

# --- Logs: one JSON object per line, with ids but no personal data ----------------------------------------

_shared_processors: list[Any] = [
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]
structlog.configure(
    processors=[*_shared_processors, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
)
LOGGING_CONFIG = "logging.config.dictConfig"
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "lines": {
            "()": structlog.stdlib.ProcessorFormatter,
            "foreign_pre_chain": _shared_processors,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
    "root": {"handlers": ["stderr"], "level": environment.text("LOG_LEVEL") or "INFO"},
    # Django's own handlers would email whole requests to ADMINS.
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "django.dispatch": {"level": "CRITICAL"},  # the worker logs failures itself, without the data involved
        "weasyprint": {"level": "CRITICAL"},  # it logs what it could not draw, such as letters of a name
        "fontTools": {"level": "WARNING"},
    },
}
