"""What a client is told of a failure: a page, JSON or a line of text, in DEBUG or to visitors."""

from __future__ import annotations

import json
from enum import Enum
from html import escape
from string import Template

from samesite_proxy.conf import Frontend, Settings
from samesite_proxy.proxy.accepted import quality
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
the sentence as JSON or a line.</footer>
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


class Form(Enum):
    """What a client can read; the value is its Content-Type."""

    PAGE = "text/html; charset=utf-8"
    JSON = "application/json"
    LINE = "text/plain; charset=utf-8"


def form_for(method: str | None, accept: str) -> Form:
    """JSON where it is named with a greater q than HTML's; a page where a browser asks for one,
    rather than a script for data, and can ask again; else a line.
    """
    html, data = quality(accept, "text/html"), quality(accept, "application/json")
    if data > html:
        return Form.JSON
    return Form.PAGE if html > 0 and method in ("GET", "HEAD") else Form.LINE


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


def _text(failure: Failure, frontend: Frontend | None, form: Form, settings: Settings) -> str:
    sentence = failure.sentence(frontend) if settings.debug else failure.for_visitors
    if form is Form.JSON:
        return json.dumps({"detail": sentence}) + "\n"
    if form is Form.PAGE:
        return page_of(failure, frontend) if settings.debug else settings.own_page
    return f"samesite_proxy: {sentence}\n" if settings.debug else f"{sentence}\n"


def told(
    failure: Failure, frontend: Frontend | None, form: Form, settings: Settings
) -> tuple[Fields, bytes]:
    """What a client is told, never cached: the fields and the text."""
    has_page = settings.debug or (settings.own_page and failure.status >= 500)
    if form is Form.PAGE and not has_page:
        form = Form.LINE
    fields = [("Content-Type", form.value), ("Cache-Control", "no-store")]
    if failure is METHOD_REFUSED:
        fields.append(("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"))
    return fields, _text(failure, frontend, form, settings).encode()


def in_every_form(
    failure: Failure, frontend: Frontend | None, settings: Settings
) -> tuple[int, str, str, str]:
    """For who answers without Python: its status, line, page and JSON; "" where a browser gets the
    line, too."""

    def said(form: Form) -> str:
        fields, text = told(failure, frontend, form, settings)
        return text.decode() if fields[0] == ("Content-Type", form.value) else ""

    return failure.status, said(Form.LINE), said(Form.PAGE), said(Form.JSON)
