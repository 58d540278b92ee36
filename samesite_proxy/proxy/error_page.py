"""The page that a browser gets in DEBUG instead of the line of text, and that reloads itself."""

from __future__ import annotations

from html import escape
from string import Template

from samesite_proxy.conf import Frontend
from samesite_proxy.proxy.errors import METHOD_REFUSED, Failure
from samesite_proxy.types import Fields

# Seconds between two looks at whether the frontend is up.
INTERVAL = 2

_SIDES = {4: "This request cannot be forwarded", 5: "This server cannot forward the request"}
_FRONTEND_FAILED = "The frontend does not answer as it should"
_TITLES = {
    502: _FRONTEND_FAILED,
    504: _FRONTEND_FAILED,
    508: "The frontend sends the request back to Django",
}

_PAGE = Template("""\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>$status $title</title>
<style>
:root { color-scheme: light dark; font: 1.1rem/1.6 system-ui, sans-serif }
body { max-width: 40rem; margin: 15vh auto; padding: 0 1.5rem; overflow-wrap: anywhere }
h1 { font-size: 1.6rem; line-height: 1.3 }
footer { margin-top: 3rem; font-size: .85rem; opacity: .7 }
</style>
<h1>$title</h1>
<p>$sentence</p>
$waiting<footer>samesite_proxy answered $status. With DEBUG a browser gets this page, anything else
the sentence alone.</footer>
""")

# Any other answer than this failure's is the frontend's, or another failure's.
_WAITING = Template("""\
<p id="waiting">This page reloads itself as soon as there is an answer.</p>
<noscript><meta http-equiv="refresh" content="$interval"></noscript>
<script>
async function look() {
  if (!document.hidden) {
    const asked = fetch(location.href, {method: "HEAD", cache: "no-store"});
    const answer = await asked.catch(() => null);
    if (answer && answer.status !== $status) return location.reload();
  }
  setTimeout(look, $interval * 1000);
}
setTimeout(look, $interval * 1000);
</script>
""")


def is_wanted(method: str | None, accept: str) -> bool:
    """Whether a browser asks for a page, rather than a script for data."""
    return method in ("GET", "HEAD") and "text/html" in accept.lower()


def page_of(failure: Failure, frontend: Frontend | None) -> str:
    """The whole document."""
    sentence = failure.sentence(frontend)
    waiting = _WAITING.substitute(status=failure.status, interval=INTERVAL)
    return _PAGE.substitute(
        status=failure.status,
        title=failure.title or _TITLES.get(failure.status) or _SIDES[failure.status // 100],
        sentence=escape(sentence[0].upper() + sentence[1:]),
        waiting=waiting if failure.status // 100 == 5 else "",
    )


def told(failure: Failure, frontend: Frontend | None, *, as_page: bool) -> tuple[Fields, bytes]:
    """What a client is told, never cached: the fields and the text."""
    text = page_of(failure, frontend) if as_page else failure.line(frontend)
    kind = "html" if as_page else "plain"
    fields = [("Content-Type", f"text/{kind}; charset=utf-8"), ("Cache-Control", "no-store")]
    if failure is METHOD_REFUSED:
        fields.append(("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"))
    return fields, text.encode()
