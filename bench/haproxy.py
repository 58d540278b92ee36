"""HAProxy as a proxy in front of the upstream."""

from pathlib import Path

# One thread; what nginx's configuration forwards too. Connections stay alive by default, and
# any request may take an idle one. By abortonclose it notices that an event stream's client left.
# By default it lets no connection rest while a fifth of its descriptors is in use.
CONFIG = """
global
    nbthread 1
    maxconn 9000
    tune.pool-low-fd-ratio 80
    tune.pool-high-fd-ratio 90
defaults
    mode http
    timeout connect 5s
    timeout client 1h
    timeout server 1h
    http-reuse always
    option abortonclose
    option forwardfor
listen proxy
    bind 127.0.0.1:{port} backlog 1024
    http-request set-header X-Forwarded-Proto http
    server frontend {upstream}
"""


def proxy_command(folder: Path, port: int, upstream: str) -> list[str]:
    """Forward everything to the upstream, given as address:port."""
    config = folder / "haproxy.cfg"
    config.write_text(CONFIG.format(port=port, upstream=upstream))
    return ["haproxy", "-db", "-f", str(config)]
