"""The WSGI entry point: `granian --interface wsgi web.wsgi:application`."""

import os
import sys

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "web.settings")

# A thread that renders a page would otherwise keep one that serves a hit waiting for 5 ms a turn.
sys.setswitchinterval(0.0005)

django = get_wsgi_application()

from django.conf import settings  # noqa: E402 - which are named by now

from invalidation_worker.pace import yield_to_changes  # noqa: E402
from listings import popularity  # noqa: E402
from listings.cache.filling import fill_pages_elsewhere  # noqa: E402
from listings.cache.near import near  # noqa: E402
from listings.cache.tracking import keep_tracking  # noqa: E402
from listings.collector import spare_loaded  # noqa: E402
from web import metrics_port, view_names  # noqa: E402
from web.fillers import Fillers, hits  # noqa: E402
from web.front import Front  # noqa: E402
from web.metrics import WebProcess  # noqa: E402
from web.real_time import come_next  # noqa: E402
from web.request_counts import counts  # noqa: E402

if settings.WEB_FILLERS:
    fill_pages_elsewhere(Fillers(settings.WEB_FILLERS, hits))
    come_next(settings.WEB_WORKERS)
popularity.keep_flushing()
keep_tracking(near)
counts.begin(view_names.known())
metrics_port.keep_telling(WebProcess(near, counts))

# A method is called sooner than an object that can be called.
application = Front(django, near).__call__
spare_loaded()
yield_to_changes()
