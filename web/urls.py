"""Every address of the site."""

from django.contrib import admin
from django.urls import include, path

from web.health import healthz, readyz

urlpatterns = [
    path("healthz", healthz),
    path("readyz", readyz),
    path("admin/", admin.site.urls),
    path("ops/", include("monitoring.urls")),
    path("", include("listings.urls")),
]

handler400 = "listings.views.bad_request"
handler404 = "listings.views.not_found"
handler500 = "listings.views.server_error"
