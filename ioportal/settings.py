"""All settings, read once from the environment. docs/settings.md explains each one."""

from __future__ import annotations

from pathlib import Path

import bootstrap_italia_template
import django_stubs_ext
import environ
from kombu import Queue

from ioportal import environment, media
from ioportal.logs import logging_configuration

# Lets generic classes of Django be written with their types.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent

# The place of what the portal keeps. Secrets lie apart, so that a backup of the data never carries them.
DATA_DIR = environment.writable_folder(Path(environment.read("DATA_DIR", str(BASE_DIR / "var" / "data"))))
SECRETS_DIR = environment.writable_folder(Path(environment.read("SECRETS_DIR", str(BASE_DIR / "var" / "secrets"))))

# The IO platform
PORT = environment.read_number("PORT", 8000, minimum=1)
IO_API_URL = environment.read_url("IO_API_URL", f"http://127.0.0.1:{PORT + 100}/api/v1")
IO_RATE_LIMIT = environment.read_rate("IO_RATE_LIMIT", "150/5")
IO_CONNECT_TIMEOUT = environment.read_number("IO_CONNECT_TIMEOUT", 5, minimum=1)
IO_READ_TIMEOUT = environment.read_number("IO_READ_TIMEOUT", 15, minimum=1)
SIMULATED_PHONE_URL = environment.read("SIMULATED_PHONE_URL")
DEMONSTRATION = environment.is_loopback(IO_API_URL)

# What IO fetches from us: the process that serves it, and the address of it that IO is told
HOSTING_PORT = environment.read_number("HOSTING_PORT", PORT + 50, minimum=1)
HOSTING_URL = ""
if DEMONSTRATION or environment.read("HOSTING_URL"):
    HOSTING_URL = environment.read_url("HOSTING_URL", f"http://127.0.0.1:{HOSTING_PORT}")
# Where the citizen's app sends its signed requests (platform notes, A5, step 2).
LOLLIPOP_HOSTS = environment.read_list("LOLLIPOP_HOSTS", "api-app.io.pagopa.it,app-backend.io.italia.it")
# With this key IO hands out what the identity provider said at the login (step 6), and these are its certificates.
LOLLIPOP_ASSERTION_KEY = environment.read("LOLLIPOP_ASSERTION_KEY")
LOLLIPOP_PROVIDERS_URL = environment.read_url("LOLLIPOP_PROVIDERS_URL", "https://api.is.eng.pagopa.it")

# Secrets
SECRET_KEY = environment.read_secret("SECRET_KEY", SECRETS_DIR, environment.new_secret_key if DEMONSTRATION else None)
ENCRYPTION_KEYS = environment.check_encryption_keys(
    [
        key.strip()
        for key in environment.read_secret(
            "ENCRYPTION_KEYS", SECRETS_DIR, environment.new_encryption_key if DEMONSTRATION else None
        ).split(",")
        if key.strip()
    ]
)

# The site
DEBUG = environment.read_flag("DEBUG", False)
ALLOWED_HOSTS = environment.read_list("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]" if DEMONSTRATION else "")
if not ALLOWED_HOSTS:
    environment.stop("ALLOWED_HOSTS is missing: write the portal's own host name, as in portale.comune.example.it.")
SITE_URL = environment.read_url(
    "SITE_URL", f"http://127.0.0.1:{PORT}" if DEMONSTRATION else f"https://{ALLOWED_HOSTS[0]}"
)
HTTPS = environment.read_flag("HTTPS", not DEMONSTRATION)
CSRF_TRUSTED_ORIGINS = [SITE_URL]
ROOT_URLCONF = "ioportal.urls"
WSGI_APPLICATION = "ioportal.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "messaging",
    "messaging.administration.config.AdministrationConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "csp",
    "django_htmx",
    "django_structlog",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
]

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
                "messaging.context.site",
            ],
        },
    }
]

# The database is the queue, so a commit must be on the disk before a message leaves (messaging.checks proves it).
DATABASES = {
    "default": environ.Env.db_url_config(environment.read("DATABASE_URL", f"sqlite:///{DATA_DIR}/ioportal.sqlite3"))
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-20000;"
            " PRAGMA mmap_size=134217728; PRAGMA journal_size_limit=27103364;"
        ),
    }
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 60
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    # Compiling a query takes longer than any of ours: a page of a million messages took 250 ms for it, and 14 without.
    DATABASES["default"].setdefault("OPTIONS", {})["options"] = "-c synchronous_commit=on -c jit=off"

CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache"}}

# People
AUTH_USER_MODEL = "messaging.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_REDIRECT_URL = "desk"
LOGIN_URL = "account_login"
ACCOUNT_ADAPTER = "messaging.accounts.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_SESSION_REMEMBER = False
# Behind our own proxy the last address it names is the visitor's; the limits on signing in count by it.
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if HTTPS else 0
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'", "data:"],  # the theme embeds one
        "object-src": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

# Language and time: UTC in the database, Europe/Rome on the screen
LANGUAGE_CODE = "it"
LANGUAGES = [("it", "Italiano"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "Europe/Rome"
USE_TZ = True

# Files
STATIC_URL = "/static/"
STATIC_ROOT = Path(environment.read("STATIC_ROOT", str(BASE_DIR / "var" / "static")))
# Only the theme's files: its templates and scripts work by inline code, ours do not.
THEME = Path(bootstrap_italia_template.__file__).parent / "static"
STATICFILES_DIRS = [BASE_DIR / "static", *((f"theme/{part}", THEME / part) for part in ("css", "fonts", "svg"))]
STORAGES = {
    "default": media.storage(DATA_DIR / "media", served=[STATIC_ROOT, BASE_DIR / "static"]),
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# Attachments: what a PDF and an uploaded folder of them may weigh, and who checks that a PDF/A is one.
ATTACHMENT_MAX_MEGABYTES = environment.read_number("ATTACHMENT_MAX_MEGABYTES", 5, minimum=1)
ATTACHMENT_FOLDER_MAX_MEGABYTES = environment.read_number("ATTACHMENT_FOLDER_MAX_MEGABYTES", 200, minimum=1)
VERAPDF_COMMAND = environment.read_command("VERAPDF_COMMAND")

# E-mail to staff
_email = environ.Env.email_url_config(
    environment.read(
        "EMAIL_URL", f"filemail:///{str(DATA_DIR / 'mail').lstrip('/')}" if DEMONSTRATION else "consolemail://"
    )
)
EMAIL_BACKEND = _email["EMAIL_BACKEND"]
EMAIL_HOST, EMAIL_PORT = _email.get("EMAIL_HOST") or "localhost", _email.get("EMAIL_PORT") or 25
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _email.get("EMAIL_HOST_USER") or "", _email.get("EMAIL_HOST_PASSWORD") or ""
EMAIL_USE_TLS, EMAIL_USE_SSL = bool(_email.get("EMAIL_USE_TLS")), bool(_email.get("EMAIL_USE_SSL"))
EMAIL_FILE_PATH = f"/{_email['EMAIL_FILE_PATH'].lstrip('/')}" if _email.get("EMAIL_FILE_PATH") else None
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = environment.read("DEFAULT_FROM_EMAIL", "IO Portal <ioportal@localhost>")

# Celery wakes work up; the database decides. Results are never kept.
CELERY_BROKER_URL = environment.read("CELERY_BROKER_URL", "filesystem://localhost")
CELERY_TASK_DEFAULT_QUEUE = environment.read("CELERY_QUEUE", "ioportal")
# Files are checked beside delivery, never before it: a worker that names no queue serves both.
CELERY_FILES_QUEUE = f"{CELERY_TASK_DEFAULT_QUEUE}-files"
CELERY_TASK_QUEUES = [Queue(CELERY_TASK_DEFAULT_QUEUE), Queue(CELERY_FILES_QUEUE)]
CELERY_TASK_ROUTES = {
    name: {"queue": CELERY_FILES_QUEUE} for name in ("messaging.tasks.work_on_batch", "messaging.tasks.forget")
}
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# Nobody uses it, and with RabbitMQ it lets only one worker of a host start: its queue is exclusive to the host's name.
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat-schedule")
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object] = {}
if CELERY_BROKER_URL.startswith("filesystem"):
    _queue_folder = str(environment.writable_folder(DATA_DIR / "broker"))
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": _queue_folder,
        "data_folder_out": _queue_folder,
        "control_folder": str(environment.writable_folder(DATA_DIR / "broker-control")),
        "polling_interval": 0.1,
    }
CELERY_BEAT_SCHEDULE = {
    "sweep": {"task": "messaging.tasks.sweep", "schedule": 5.0, "options": {"expires": 5}},
    "notify-staff": {"task": "messaging.tasks.notify_staff", "schedule": 60.0, "options": {"expires": 60}},
    "forget": {"task": "messaging.tasks.forget", "schedule": 3600.0, "options": {"expires": 3600}},
}
# What a spreadsheet may hold, and how long an uploaded file is kept.
SPREADSHEET_MAX_ROWS = environment.read_number("SPREADSHEET_MAX_ROWS", 100_000, minimum=1)
SPREADSHEET_MAX_MEGABYTES = environment.read_number("SPREADSHEET_MAX_MEGABYTES", 50, minimum=1)
SPREADSHEET_KEEP_DAYS = environment.read_number("SPREADSHEET_KEEP_DAYS", 30, minimum=1)
DELIVERY_LOOPS = environment.read_number("DELIVERY_LOOPS", 2, minimum=1)

LOGGING = logging_configuration(
    level=environment.read("LOG_LEVEL", "WARNING" if DEMONSTRATION else "INFO"),
    as_json=environment.read_flag("LOG_JSON", not DEMONSTRATION),
)
