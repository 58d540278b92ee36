"""Two nginx configurations: the upstream that serves files, and the proxy to compare with."""

import os
from dataclasses import dataclass
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
    keepalive_timeout {keep_alive};
    default_type text/plain;
    server {{
        listen 127.0.0.1:{port} backlog=1024{listen};
        {tls}
        root {files};
        location = /counts {{ stub_status; }}
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
            {more}
            proxy_pass {scheme}://frontend;
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


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """What an upstream does otherwise than any."""

    send_buffer: int | None = None  # A bound on what each connection holds in the kernel.
    certificate: Path | None = None  # It speaks TLS with this one.
    closes: bool = False  # Each connection, behind its answer.


def upstream_command(folder: Path, port: int, files: Path, behaviour: Behaviour) -> list[str]:
    """Serve the files of a folder."""
    file = behaviour.certificate
    buffer = behaviour.send_buffer
    values = {
        "listen": (" ssl" if file else "") + (f" sndbuf={buffer}" if buffer is not None else ""),
        "tls": f"ssl_certificate {file}; ssl_certificate_key {file};" if file else "",
        "keep_alive": "0" if behaviour.closes else "1h",
    }
    return command(folder, UPSTREAM.format(port=port, files=files, **values))


def proxy_command(folder: Path, port: int, upstream: str) -> list[str]:
    """Forward everything to the upstream, given as address:port."""
    values = {"port": port, "upstream": upstream}
    return command(folder, PROXY.format(scheme="http", more="", **values))


def tls_proxy_command(folder: Path, port: int, upstream: str) -> list[str]:
    """Do so over TLS; the upstream's certificate is not looked at."""
    values = {"port": port, "upstream": upstream}
    return command(folder, PROXY.format(scheme="https", more="", **values))


def unbuffered_proxy_command(folder: Path, port: int, upstream: str) -> list[str]:
    """Forward a request's body as it comes, instead of storing it first."""
    values = {"port": port, "upstream": upstream}
    return command(
        folder, PROXY.format(scheme="http", more="proxy_request_buffering off;", **values)
    )
