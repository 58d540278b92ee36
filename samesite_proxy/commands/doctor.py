"""`samesite_proxy doctor`: what is wrong between Django and its frontend, and what helps."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
from django.conf import settings as django_settings
from django.core.checks import WARNING
from django.http.request import validate_host

import samesite_proxy
from samesite_proxy import checks, conf
from samesite_proxy._engine import LIBCURL
from samesite_proxy.commands import asking, columns, frontend_files, leftovers, listening, urlconf
from samesite_proxy.commands.findings import NOTE, OK, WRONG, Finding
from samesite_proxy.commands.why import fast_path_reason
from samesite_proxy.conf import Settings

NOTHING = "Nothing is wrong."


def versions() -> dict[str, str]:
    return {
        "samesite_proxy": samesite_proxy.__version__,
        "Django": django.get_version(),
        "Python": platform.python_version(),
        "libcurl": LIBCURL,
        "system": f"{platform.system()} {platform.machine()}",
    }


def _of_checks() -> Iterator[Finding]:
    """What `manage.py check` says of ours."""
    for message in checks.check_project():
        state = WRONG if message.level >= WARNING else NOTE
        yield Finding(message.id or "check", state, message.msg, message.hint or "")


def _of_hosts(settings: Settings) -> Iterator[Finding]:
    allowed = [str(name) for name in django_settings.ALLOWED_HOSTS]
    if not allowed and not settings.debug:
        fix = 'Write the site\'s names in it: ALLOWED_HOSTS = ["www.example.com"].'
        yield Finding("hosts", WRONG, "ALLOWED_HOSTS is empty: without DEBUG all are refused.", fix)
    elif settings.debug and allowed and not validate_host("localhost", allowed):
        says = 'ALLOWED_HOSTS has no "localhost", the name under which dev servers work best.'
        yield Finding("hosts", NOTE, says, 'Add "localhost" to ALLOWED_HOSTS.')
    elif settings.debug and settings.allows_any_host:
        says = 'ALLOWED_HOSTS is ["*"]: a dev server may refuse names that it does not know.'
        yield Finding("hosts", NOTE, says, "List the names instead; docs/hosts.md says why.")
    else:
        names = ", ".join(allowed) or "localhost, 127.0.0.1, [::1]"
        yield Finding("hosts", OK, f"Hosts that are allowed: {names}.")


def _of_fast_path(settings: Settings) -> Finding:
    reason = fast_path_reason(settings)
    if reason:
        return Finding("fast-path", NOTE, f"The fast path is off: {reason}.")
    return Finding("fast-path", OK, "The fast path is on under runserver.")


def _base() -> Path:
    return Path(getattr(django_settings, "BASE_DIR", None) or ".").absolute()


def _folders(settings: Settings, told: list[dict[str, Any]]) -> set[Path]:
    """Where frontends run."""
    ports = {each.port for each in settings.frontends if each.unix_socket is None}
    commanded = {command.folder for command in settings.commands}
    return {*commanded, *listening.folders_of(told, ports)}


def _of_project(settings: Settings, told: list[dict[str, Any]]) -> Iterator[Finding]:
    yield from _of_checks()
    for frontend in settings.frontends:
        yield from listening.of_frontend(settings, frontend)
    yield from listening.of_commands(settings)
    yield from _of_hosts(settings)
    yield _of_fast_path(settings)
    yield from frontend_files.leftovers(_base(), _folders(settings, told))
    yield from leftovers.in_settings(settings.frontends)


def found() -> dict[str, Any]:
    """`is_well` is False where something is wrong; a note is no such thing."""
    settings, _ = conf.read()
    told: list[dict[str, Any]] = []
    if trouble := urlconf.trouble():  # Nothing can be asked for any path.
        findings = [Finding("urlconf", WRONG, trouble, "Mend it: Django does not start, either.")]
    elif settings is None:
        findings = list(_of_checks())
    else:
        settings = asking.now(settings)
        told = listening.holders(settings.frontends)
        findings = list(_of_project(settings, told))
    return {
        "versions": versions(),
        "listening": told,
        "findings": [vars(each) for each in findings],
        "is_well": not any(each.state == WRONG for each in findings),
    }


def _styled(style: Any, state: str) -> Any:
    return {OK: style.SUCCESS, NOTE: style.NOTICE, WRONG: style.ERROR}[state]


def told(answer: dict[str, Any], style: Any) -> str:
    """`answer` as found() has it, for people."""
    parts = [", ".join(f"{name} {version}" for name, version in answer["versions"].items()), ""]
    rows = [("PORT", "ADDRESSES", "PROCESS", "FOLDER")]
    rows += [
        (
            str(each["port"]),
            ", ".join(each["addresses"]),
            f"{each['process']} ({each['pid']})" if each["pid"] else "",
            each["folder"] or "",
        )
        for each in answer["listening"]
    ]
    if len(rows) > 1:
        heading, *lines = columns.lines(rows)
        parts += [style.MIGRATE_HEADING(heading), *lines, ""]
    for finding in answer["findings"]:
        word = _styled(style, finding["state"])(f"{finding['state']:<5}")
        parts.append(f"{word}  {columns.shown(finding['says'])}")
    fixes = [("FIX", "")]
    fixes += [(each["id"], each["fix"]) for each in answer["findings"] if each["fix"]]
    if len(fixes) > 1:
        heading, *lines = columns.lines(fixes)
        parts += ["", style.MIGRATE_HEADING(heading), *lines]
    return "\n".join(parts if not answer["is_well"] else [*parts, "", style.SUCCESS(NOTHING)])
