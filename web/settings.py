"""Settings of the Django project. Each variable is read here, once; `.env.example` lists all."""

from __future__ import annotations

from pathlib import Path

import environ
import redis.exceptions
from django.core.exceptions import ImproperlyConfigured
from redis.backoff import NoBackoff
from redis.retry import Retry

from web import environment as env
from web import local_stack

BASE_DIR = Path(__file__).resolve().parent.parent
env.read_anew()
env.load_dotenv(BASE_DIR / ".env")

PRODUCTION = env.boolean("PRODUCTION", False)
DEBUG = env.boolean("DEBUG", False)
if PRODUCTION and DEBUG:
    raise ImproperlyConfigured("DEBUG=true is not allowed with PRODUCTION=true: give false")

SECRET_KEY = env.text("SECRET_KEY")
if not SECRET_KEY:
    if PRODUCTION:
        raise ImproperlyConfigured("SECRET_KEY is empty: PRODUCTION=true needs a long random text")
    SECRET_KEY = local_stack.secret_key()

ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")
if PRODUCTION:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True


# ---- servers: a URL that is given is used; without one, those of the local stack ----
def _local(name: str) -> str:
    if PRODUCTION:
        raise ImproperlyConfigured(f"{name} is empty: PRODUCTION=true refuses local servers")
    return local_stack.url(name)


REDIS_SCHEMES = ("redis", "rediss", "unix")
DATABASE_URL = env.url(
    "DATABASE_URL", lambda: _local("DATABASE_URL"), ("postgres", "postgresql", "pgsql")
)
CACHE_URL = env.url("CACHE_URL", lambda: _local("CACHE_URL"), REDIS_SCHEMES)
BROKER_URL = env.url("BROKER_URL", lambda: _local("BROKER_URL"), ("redis", "rediss"))

DATABASES = {
    "default": {
        **environ.Env.db_url_config(DATABASE_URL),
        "ENGINE": "web.database",
        # Each web thread keeps its connection; a dead one is noticed before a request uses it.
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        # Entries are filled outside transactions, so that no snapshot is older than its lease.
        "ATOMIC_REQUESTS": False,
    }
}
DATABASES["default"].setdefault("OPTIONS", {})
DATABASES["default"]["OPTIONS"].setdefault("connect_timeout", 3)  # seconds


def _redis(client_name: str, timeout_seconds: float) -> dict[str, object]:
    # django-redis keeps one pool per URL, so the name also keeps these two apart.
    mark = "&" if "?" in CACHE_URL else "?"
    return {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": f"{CACHE_URL}{mark}client_name={client_name}",
        "OPTIONS": {
            "CONNECTION_POOL_KWARGS": {
                "max_connections": 10_000,  # a thread uses one; redis-py refuses above 100
                "socket_timeout": timeout_seconds,
                "socket_connect_timeout": timeout_seconds,
                # redis-py would try three times, seconds apart. Once more, at once, is enough to
                # get past a pooled connection that the server has closed.
                "retry": Retry(NoBackoff(), 1, (redis.exceptions.ConnectionError,)),
            }
        },
    }


CACHES = {
    # A visitor waits a moment for a sick cache server, but not for long. With 50 ms a busy machine
    # was taken for a sick server, and 200 readers of one page all went to the database. The
    # worker would rather wait than roll an apply back.
    "default": _redis("visitors", 0.25),
    "pipeline": _redis("pipeline", 2.0),
}

# Of pages in the memory of each web process; 0 keeps none there.
NEAR_CACHE_BYTES = env.integer("NEAR_CACHE_BYTES", 64 * 2**20, 0, 2**40)

# ---- web ----
LISTEN_HOST = env.text("LISTEN_HOST", "127.0.0.1")
# Where this machine reaches what listens there, as it stands in a URL.
OWN_HOST = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(LISTEN_HOST, LISTEN_HOST)  # noqa: S104
OWN_HOST = f"[{OWN_HOST}]" if ":" in OWN_HOST else OWN_HOST
PORT = env.integer("PORT", 8000, 1, 65535)
WEB_WORKERS = env.integer("WEB_WORKERS", 1, 1, 64)
WEB_THREADS = env.integer("WEB_THREADS", 32, 2, 512)
WEB_FILLERS = env.integer("WEB_FILLERS", 2, 0, 64)  # processes of each that fill pages for it


# Where visitors reach the site: feeds and sitemaps need whole addresses.
def _site_url() -> str:
    host = (*ALLOWED_HOSTS, "localhost")[0]
    if host == "*" or host.startswith("."):
        raise ImproperlyConfigured(
            f"SITE_URL is empty, and ALLOWED_HOSTS begins with {host}: give https://…"
        )
    return f"https://{host}" if PRODUCTION and ALLOWED_HOSTS else f"http://{host}:{PORT}"


SITE_URL = env.url("SITE_URL", _site_url, ("http", "https")).rstrip("/")
EXPORTER_PORT = env.integer("EXPORTER_PORT", 9121, 1, 65535)
EXPORTER_CACHE_SERVERS = env.named_urls(
    "EXPORTER_CACHE_SERVERS", {"cache": CACHE_URL}, REDIS_SCHEMES
)
# Where processes tell their metrics, from this port on; 0: nowhere.
METRICS_PORT = env.integer("METRICS_PORT", 9130, 0, 65_435)
METRICS_PORTS = {
    name: METRICS_PORT + place
    for place, name in enumerate(
        ("invalidation-worker", "warming-worker", "relay", "truth-probe") if METRICS_PORT else ()
    )
}
# One for each web process. Between them and those above there is room for more services.
WEB_METRICS_PORTS = (
    range(METRICS_PORT + 10, METRICS_PORT + 10 + WEB_WORKERS) if METRICS_PORT else ()
)
# Entries that are compared with the database each second; 0: none.
TRUTH_PROBE_PER_SECOND = env.number("TRUTH_PROBE_PER_SECOND", 0.2, 0, 100)
DEMO_LISTINGS = env.integer("DEMO_LISTINGS", 20_000, 0, 10_000_000)  # made by `make run`
POSTGRES_BIN = env.text("POSTGRES_BIN")  # folder of the local PostgreSQL's programs
LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))


# Whom the operators' page asks for metrics.
_TELLING = {"exporter": EXPORTER_PORT, **METRICS_PORTS}
_TELLING |= {f"web-{number}": port for number, port in enumerate(WEB_METRICS_PORTS)}
OPS_TARGETS = env.named_urls(
    "OPS_TARGETS",
    {name: f"http://{OWN_HOST}:{port}/metrics" for name, port in _TELLING.items()},
    ("http", "https"),
)

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "pgtrigger",
    "listings",
    "invalidation_worker",
    "monitoring",
    "web",
]
MIDDLEWARE = [
    "web.request_counts.count_requests",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "listings.middleware.ErrorPages",
]
ROOT_URLCONF = "web.urls"
WSGI_APPLICATION = "web.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {  # the public pages: Jinja2 renders a list page in a fifth of the time
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [],
        "APP_DIRS": True,  # looks in <app>/jinja2/
        "OPTIONS": {"environment": "listings.templating.environment"},
    },
    {  # the admin
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    },
]

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / env.text("STATIC_ROOT", "var/static")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    # Two lines a message are too many: what was applied has its own line.
    "loggers": {
        name: {"level": "WARNING"} for name in ("celery.worker.strategy", "celery.app.trace")
    },
}
