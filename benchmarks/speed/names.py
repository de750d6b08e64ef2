"""Contenders: short names for code and JSON, titles for tables."""

from __future__ import annotations

NEAR, REDIS, CONSTANT = "near", "redis", "constant"
CACHE_PAGE, GUNICORN, NGINX = "cache_page", "gunicorn", "nginx"
NEAR_304, REDIS_304, NGINX_304 = "near-304", "redis-304", "nginx-304"

PLAIN, COLD, WARM = "plain", "cold", "warm"

TITLES = {
    # Part 1, hits
    NEAR: "this platform, near cache",
    REDIS: "this platform, from Redis",
    CONSTANT: "constant bytes, granian",
    NGINX: "nginx `proxy_cache`",
    CACHE_PAGE: "`cache_page`, granian",
    GUNICORN: "`cache_page`, gunicorn",
    NEAR_304: "304: this platform, near cache",
    REDIS_304: "304: this platform, from Redis",
    NGINX_304: "304: nginx `proxy_cache`",
    # Part 2, misses
    COLD: "this platform, cold",
    WARM: "this platform, querysets warm",
    PLAIN: "ordinary Django",
    "cacheops-cold": "ordinary, cacheops cold",
    "cacheops-warm": "ordinary, cacheops warm",
    "cachalot-cold": "ordinary, cachalot cold",
    "cachalot-warm": "ordinary, cachalot warm",
}
