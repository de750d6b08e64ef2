"""The platform's settings for an ordinary site on the same database.

`CONTESTANT` may be "cacheops" or "cachalot": then those cache its querysets. `ORDINARY_CACHE_URL`
is where `cache_page` keeps whole responses, pickled by django-redis as it comes.
"""

from __future__ import annotations

import os

from benchmarks.settings import *  # noqa: F403
from benchmarks.settings import INSTALLED_APPS, MIDDLEWARE, TEMPLATES

ROOT_URLCONF = "benchmarks.ordinary.urls"
WSGI_APPLICATION = "benchmarks.ordinary.wsgi.application"
INSTALLED_APPS.append("benchmarks.ordinary")
MIDDLEWARE.remove("listings.middleware.ErrorPages")  # it renders our templates
TEMPLATES = [one for one in TEMPLATES if "DjangoTemplates" in str(one["BACKEND"])]

if url := os.environ.get("ORDINARY_CACHE_URL"):
    CACHES = {"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": url}}
