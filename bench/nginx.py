"""Two nginx configurations: the upstream that serves files, and the proxy to compare with."""

import os
from pathlib import Path

# A worker started by root changes to "nobody" and could not reach the temporary directory.
USER = "user root;" if os.geteuid() == 0 else ""

MAIN = """
daemon off;
{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections 10000; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    scgi_temp_path {folder}/scgi;
    uwsgi_temp_path {folder}/uwsgi;
    {http}
}}
"""

# Nothing here may be the limit: files are opened once and connections live for ever.
UPSTREAM = """
    sendfile on;
    tcp_nopush on;
    open_file_cache max=100;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    default_type text/plain;
    server {{
        listen 127.0.0.1:{port} backlog=1024{listen};
        root {files};
    }}
"""

# nginx's own defaults for buffering; what keeps its upstream connections alive, or upgrades them.
PROXY = """
    client_max_body_size 0;
    map $http_upgrade $forwarded_connection {{
        default upgrade;
        "" "";
    }}
    upstream frontend {{
        server {upstream};
        keepalive 128;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        location / {{
            proxy_pass http://frontend;
            proxy_http_version 1.1;
            proxy_set_header Connection $forwarded_connection;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
        }}
    }}
"""


def command(folder: Path, http: str) -> list[str]:
    """Write a configuration and return the command that runs it in the foreground."""
    config = folder / "nginx.conf"
    config.write_text(MAIN.format(user=USER, folder=folder, http=http))
    # -e: without it nginx first tries to open the log that it was built with.
    return ["nginx", "-e", "stderr", "-p", str(folder), "-c", str(config)]


def upstream_command(folder: Path, port: int, files: Path, send_buffer: int | None) -> list[str]:
    """Serve the files of a folder, with a bound on what each connection holds in the kernel."""
    listen = f" sndbuf={send_buffer}" if send_buffer is not None else ""
    return command(folder, UPSTREAM.format(port=port, files=files, listen=listen))


def proxy_command(folder: Path, port: int, upstream: str) -> list[str]:
    """Forward everything to the upstream, given as address:port."""
    return command(folder, PROXY.format(port=port, upstream=upstream))
