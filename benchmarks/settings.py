"""The platform's settings, changed as the contestant named in `CONTESTANT` needs them."""

from __future__ import annotations

import os

from web.settings import *  # noqa: F403
from web.settings import CACHE_URL, DATABASES, INSTALLED_APPS, STORAGES

CONTESTANT = os.environ["CONTESTANT"]
TTL_SECONDS = 900  # of everything that peers keep, as of our pages

STATIC_ROOT = None  # type: ignore[assignment]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}

if CONTESTANT != "ours":
    DATABASES["default"]["ENGINE"] = "django.db.backends.postgresql"  # as everybody else has it
    silent = "benchmarks.apps.SilentWorkerConfig"
    INSTALLED_APPS[INSTALLED_APPS.index("invalidation_worker")] = silent

if CONTESTANT.startswith("cacheops"):
    INSTALLED_APPS.append("cacheops")
    CACHEOPS_REDIS = CACHE_URL
    CACHEOPS = {"listings.*": {"ops": "all", "timeout": TTL_SECONDS}}
    # The default of 8 would let every photo that is written drop every list: a list asks for the
    # photos of its 24 listings with one `IN`.
    CACHEOPS_LONG_DISJUNCTION = 32

if CONTESTANT == "cachalot":
    INSTALLED_APPS.append("cachalot")
    CACHALOT_TIMEOUT = TTL_SECONDS
    CACHALOT_ONLY_CACHABLE_APPS = ("listings",)
