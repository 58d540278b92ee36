"""Vite's dev server: with a generated project of many modules, or as a proxy."""

import json
import subprocess
import sys
from pathlib import Path

from bench.servers import ServerFailed

HERE = Path(__file__).parent
PACKAGE = HERE / "frontend"
WITH_NODE = [sys.executable, str(HERE.parent / "example_project" / "node.py")]
NPM_CI = ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"]

MODULES = 1000
CHILDREN = 4

PAGE = """<!doctype html>
<title>modules</title>
<link rel="icon" href="data:,">
<script type="module" src="/src/main.js"></script>
"""

MAIN = """import { total } from "./module0.js";

window.loaded = { modules: total, milliseconds: performance.now() };
"""

# About what a component is, in the number of bytes and in what there is to parse.
MODULE = """{imports}

const names = ["first", "second", "third"];

export function describe{number}(values) {{
  const lines = [];
  for (const [index, value] of Object.entries(values)) {{
    const name = names[index % names.length];
    if (typeof value === "object" && value !== null) {{
      lines.push(`${{name}}: ${{describe{number}(value).join(", ")}}`);
    }} else {{
      lines.push(`${{name}} of module {number}: ${{String(value).padStart(8)}}`);
    }}
  }}
  return lines;
}}

export class State{number} {{
  #listeners = new Set();
  #value = describe{number}([{number}, {{ inner: {number} }}]);

  get value() {{
    return this.#value;
  }}

  set(value) {{
    this.#value = value;
    for (const listener of this.#listeners) {{
      listener(value);
    }}
  }}

  subscribe(listener) {{
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }}
}}

export const total = {total};
"""

PROXY = """import http from "node:http";

const agent = new http.Agent({{ keepAlive: true }});

export default {{
  cacheDir: {cache},
  server: {{
    hmr: false,
    ws: false,
    proxy: {{ "/": {{ target: {target}, ws: true, agent }} }},
  }},
}};
"""


def version() -> str:
    """Name the version that is pinned."""
    package = json.loads((PACKAGE / "package.json").read_text())
    return str(package["devDependencies"]["vite"])


def install() -> None:
    """Install Vite as the lock file names it, unless that is done."""
    lock = PACKAGE / "package-lock.json"
    installed = PACKAGE / "node_modules" / ".package-lock.json"  # npm writes it last.
    if installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime:
        return
    command = [*WITH_NODE, *NPM_CI]
    done = subprocess.run(
        command, cwd=PACKAGE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode != 0:
        raise ServerFailed(f"npm: {done.stdout.strip()}")


def module_source(number: int) -> str:
    """One module of a tree: it imports its children and counts what is below it."""
    first = number * CHILDREN + 1
    children = range(first, min(first + CHILDREN, MODULES - 1))
    imports = "\n".join(
        f'import {{ total as total{child} }} from "./module{child}.js";' for child in children
    )
    total = " + ".join(["1", *(f"total{child}" for child in children)])
    return MODULE.format(imports=imports, number=number, total=total)


def write_project(folder: Path) -> None:
    """Write the page, its entry module and the tree below that: MODULES modules in all."""
    (folder / "src").mkdir()
    (folder / "index.html").write_text(PAGE)
    (folder / "src" / "main.js").write_text(MAIN)
    for number in range(MODULES - 1):
        (folder / "src" / f"module{number}.js").write_text(module_source(number))
    write_config(folder, f"export default {{ cacheDir: {json.dumps(str(folder / 'cache'))} }};\n")


def write_config(folder: Path, text: str) -> None:
    (folder / "vite.config.mjs").write_text(text)


def command(folder: Path, port: int) -> list[str]:
    """Run the dev server for a folder."""
    install()
    vite = [str(PACKAGE / "node_modules" / "vite" / "bin" / "vite.js"), str(folder)]
    address = ["--host", "127.0.0.1", "--port", str(port), "--strictPort"]
    return [*WITH_NODE, "node", *vite, *address, "--logLevel", "error"]


def project_command(folder: Path, port: int) -> list[str]:
    """Serve the generated project."""
    write_project(folder)
    return command(folder, port)


def proxy_command(folder: Path, port: int, upstream: str) -> list[str]:
    """Forward everything to the upstream, given as address:port."""
    cache, target = json.dumps(str(folder / "cache")), json.dumps(f"http://{upstream}")
    write_config(folder, PROXY.format(cache=cache, target=target))
    return command(folder, port)
