"""`manage.py samesite_proxy` inside this process, for one site of the table of paths."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

from django.core.management import call_command
from django.test import override_settings

from samesite_proxy.management.commands.samesite_proxy import Command
from tests.harness.ports import free_port
from tests.unit.path_cases import Site


def ask(*arguments: str) -> str:
    said = io.StringIO()
    call_command(Command(), *arguments, stdout=said, no_color=True)
    return said.getvalue()


def ask_json(*arguments: str) -> Any:
    return json.loads(ask(*arguments, "--json"))


def nobody() -> str:
    """An address at which nothing listens."""
    return f"http://127.0.0.1:{free_port()}"


@contextlib.contextmanager
def project(site: Site, frontends: Mapping[str, str], **settings: Any) -> Iterator[None]:
    module = ModuleType(f"tests.generated.commands_{site.name}_{id(site)}")
    module.urlpatterns = site.urlpatterns  # type: ignore[attr-defined]
    sys.modules[module.__name__] = module
    proxy = {**site.proxy, "FRONTEND": dict(frontends)}
    with override_settings(
        SAMESITE_PROXY=proxy,
        ROOT_URLCONF=module.__name__,
        INSTALLED_APPS=["samesite_proxy", "django.contrib.staticfiles"],
        **settings,
    ):
        yield


def frontends_of(site: Site) -> dict[str, str]:
    """One for each prefix, where nothing listens."""
    return {prefix: nobody() for prefix in site.proxy.get("FRONTEND", ["/"])}
