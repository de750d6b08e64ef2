"""Errors that visitors cause or cannot help, as pages of our own."""

from __future__ import annotations

import logging

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin

from listings.gate import Busy
from listings.search import InvalidSearch
from listings.views import bad_request, unavailable

logger = logging.getLogger(__name__)


class ErrorPages(MiddlewareMixin):
    """400 for a search that is not allowed, 503 when the database is away or overwhelmed."""

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, InvalidSearch):
            return bad_request(request, error)
        if isinstance(error, Busy | OperationalError | InterfaceError):
            logger.error("503 for %s: %r", request.path, error)
            return unavailable(request)
        return None
