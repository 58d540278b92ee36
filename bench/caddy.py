"""Caddy as a proxy in front of the upstream."""

from pathlib import Path

# Go keeps 32 idle connections by default, fewer than some cases have clients.
CONFIG = """
{{
    admin off
    auto_https off
}}
http://:{port} {{
    bind 127.0.0.1
    reverse_proxy {upstream} {{
        transport http {{
            keepalive_idle_conns_per_host 128
        }}
    }}
}}
"""


def proxy_command(folder: Path, port: int, upstream: str) -> list[str]:
    """Forward everything to the upstream, given as address:port; Go counts the CPUs it may use."""
    config = folder / "Caddyfile"
    config.write_text(CONFIG.format(port=port, upstream=upstream))
    # Caddy writes its own notes under these.
    homes = [f"XDG_{kind}_HOME={folder}" for kind in ("CONFIG", "DATA")]
    return ["env", *homes, "caddy", "run", "--adapter", "caddyfile", "--config", str(config)]
