"""What operators can open, below `/ops/`."""

from django.urls import path

from monitoring import ops

urlpatterns = [
    path("", ops.page, name="ops"),
    path("samples.json", ops.samples, name="ops-samples"),
    path("recent.json", ops.recent, name="ops-recent"),
]
