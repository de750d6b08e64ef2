from django.apps import AppConfig
from django.db.backends.signals import connection_created


class ListingsConfig(AppConfig):
    name = "listings"

    def ready(self) -> None:
        from listings.cache.spared import count_queries

        connection_created.connect(count_queries)
