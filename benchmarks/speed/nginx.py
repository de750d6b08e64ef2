"""nginx with a page cache in front of our site: what serves pages when nothing has to be true."""

from __future__ import annotations

import os

from benchmarks.speed.processes import House, WebServer
from web.local_servers import ports

# One process; files in memory for all practical purposes, sent by the kernel; no log. Our pages
# say `no-cache`, so it has to be told to keep them.
CONFIGURATION = """
daemon off;
{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    open_file_cache max=100;
    keepalive_requests 1000000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    proxy_cache_path {folder}/cache keys_zone=pages:10m;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://127.0.0.1:{behind};
            proxy_set_header Host 127.0.0.1;
            proxy_cache pages;
            proxy_cache_valid 200 1h;
            proxy_ignore_headers Cache-Control Expires;
            add_header X-Cache $upstream_cache_status;
        }}
    }}
}}
"""


def start(house: House, behind: int) -> WebServer:
    """nginx, which asks our server on this port for what it has not."""
    port = ports.free_port()
    folder = house.folder / "nginx"
    folder.mkdir(exist_ok=True)
    text = CONFIGURATION.format(
        folder=folder, port=port, behind=behind, user="user root;" if os.geteuid() == 0 else ""
    )
    configuration = folder / "nginx.conf"
    configuration.write_text(text)
    argv = ["nginx", "-p", str(folder), "-e", "stderr", "-c", str(configuration)]
    return house.serve("nginx", argv, {}, port)
