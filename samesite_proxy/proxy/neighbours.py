"""Other middleware that does nothing for a frontend's page, because it stands after ours."""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings as django_settings
from django.core.checks import Warning

from samesite_proxy.conf import Settings
from samesite_proxy.proxy import place

# What a middleware does for every page where these settings say so, by its class.
PROTECTIONS = {
    "django.middleware.security.SecurityMiddleware": (
        "SECURE_SSL_REDIRECT",
        "SECURE_HSTS_SECONDS",
        "SECURE_CONTENT_TYPE_NOSNIFF",
        "SECURE_REFERRER_POLICY",
        "SECURE_CROSS_ORIGIN_OPENER_POLICY",
    ),
    "django.middleware.clickjacking.XFrameOptionsMiddleware": ("X_FRAME_OPTIONS",),
    "django.middleware.csp.ContentSecurityPolicyMiddleware": (
        "SECURE_CSP",
        "SECURE_CSP_REPORT_ONLY",
    ),
    "django.middleware.common.CommonMiddleware": ("PREPEND_WWW", "DISALLOWED_USER_AGENTS"),
    "csp.middleware.CSPMiddleware": (
        "CONTENT_SECURITY_POLICY",
        "CONTENT_SECURITY_POLICY_REPORT_ONLY",
    ),
    "django_permissions_policy.PermissionsPolicyMiddleware": (
        "PERMISSIONS_POLICY",
        "PERMISSIONS_POLICY_REPORT_ONLY",
    ),
}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

# What only a deployment has.
HTTPS = ("SECURE_SSL_REDIRECT", "SECURE_HSTS_SECONDS")

# Django's own, some of which look at 404s to bring a visitor to one of Django's paths.
DJANGOS = ("django.middleware.", "django.utils.")


def _ancestors(middleware: Any) -> list[Any]:
    """A class and what it inherits from, or a function alone: all that may be called can stand in
    MIDDLEWARE, an object with `__call__` and a partial function too."""
    if isinstance(middleware, functools.partial):
        return _ancestors(middleware.func)
    if inspect.isroutine(middleware):
        return [middleware]
    kind = middleware if inspect.isclass(middleware) else type(middleware)
    return list(kind.__mro__[:-1])


def protections_of(middleware: Any) -> list[str]:
    """The settings in use by which a middleware protects pages, its ancestors' too."""
    names = [f"{one.__module__}.{one.__qualname__}" for one in _ancestors(middleware)]
    settings = (setting for name in names for setting in PROTECTIONS.get(name, ()))
    return [setting for setting in settings if getattr(django_settings, setting, None)]


def _functions_of(middleware: Any) -> Iterator[ast.AST]:
    """The source of a middleware, as far as it is not Django's own."""
    for one in _ancestors(middleware):
        if not one.__module__.startswith(DJANGOS):
            try:
                tree = ast.parse(textwrap.dedent(inspect.getsource(one)))
            except (OSError, TypeError, SyntaxError):  # It is not written in Python.
                continue
            yield from (node for node in ast.walk(tree) if isinstance(node, FUNCTIONS))


def _is_named(node: ast.AST, name: str) -> bool:
    return getattr(node, "attr", None) == name or getattr(node, "id", None) == name


def _asks_for_404(node: ast.AST) -> bool:
    """Whether something is compared with 404, or asked for being Django's answer of that status."""
    if isinstance(node, ast.Call):
        is_asking = _is_named(node.func, "isinstance")
        return is_asking and any(_is_named(part, "HttpResponseNotFound") for part in ast.walk(node))
    return isinstance(node, ast.Compare | ast.match_case) and any(
        getattr(part, "value", None) == 404 or _is_named(part, "NOT_FOUND")
        for part in ast.walk(node.pattern if isinstance(node, ast.match_case) else node)
    )


def _is_of_404(function: ast.AST) -> bool:
    """Whether an answer's status is looked at for a 404, whatever it is called meanwhile."""
    nodes = list(ast.walk(function))
    asking = [node for node in nodes if _asks_for_404(node)]
    is_of_class = any(isinstance(node, ast.Call) for node in asking)
    return is_of_class or (bool(asking) and any(_is_named(node, "status_code") for node in nodes))


def _sets_urlconf(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        names = [part.value for part in node.args if isinstance(part, ast.Constant)]
        return _is_named(node.func, "setattr") and "urlconf" in names
    return (
        isinstance(node, ast.Attribute)
        and node.attr == "urlconf"
        and isinstance(node.ctx, ast.Store)
        and not _is_named(node.value, "self")
    )


def _is_of_urlconf(function: ast.AST) -> bool:
    """Whether `request.urlconf` is set."""
    return any(map(_sets_urlconf, ast.walk(function)))


def _does(middleware: Any, is_it: Callable[[ast.AST], bool], *, leave_out: str = "") -> bool:
    return any(
        is_it(function)
        for function in _functions_of(middleware)
        if getattr(function, "name", "") != leave_out
    )


def answers_404s(middleware: Any) -> bool:
    """Whether it has an answer of its own where there is none, as flatpages has."""
    return _does(middleware, _is_of_404)


def sets_urlconf(middleware: Any) -> bool:
    """Whether it says which URLconf a request has, before there is an answer."""
    return _does(middleware, _is_of_urlconf, leave_out="process_response")


def is_wanted_before(name: str, *, paths_are_listed: bool) -> bool:
    """Whether a middleware does its work for a frontend's page only where it stands before ours."""
    middleware = place.imported(name)
    if middleware is None:
        return False
    if protections_of(middleware):
        return True
    return not paths_are_listed and (answers_404s(middleware) or sets_urlconf(middleware))


def _problem_of(bypassed: dict[str, list[str]]) -> Warning:
    told = "; ".join(f"{', '.join(settings)} ({name})" for name, settings in bypassed.items())
    return Warning(
        "The frontend's pages pass without what middleware after SameSiteProxyMiddleware does for"
        f" Django's: {told}.",
        hint=f"Put {', '.join(bypassed)} before SameSiteProxyMiddleware, or let the frontend or the"
        " server in front of Django do it, and silence this check.",
        id="samesite_proxy.W005",
    )


def _bypassed(is_told: Callable[[str], bool]) -> Iterator[Warning]:
    bypassed = {}
    for name in place.names_after():
        middleware = place.imported(name)
        settings = [] if middleware is None else protections_of(middleware)
        if told := [setting for setting in settings if is_told(setting)]:
            bypassed[name] = told
    if bypassed:
        yield _problem_of(bypassed)


def _is_asked_for(setting: str) -> bool:
    """Whether the project itself has set it, for more than the HTTPS of its deployment."""
    return setting not in HTTPS and django_settings.is_overridden(setting)


def bypassed() -> Iterator[Warning]:
    """What the project asks for and a frontend's page does not get."""
    return _bypassed(_is_asked_for)


def bypassed_in_deployment() -> Iterator[Warning]:
    """The same of HTTPS, and of what Django does unasked."""
    return _bypassed(lambda setting: not _is_asked_for(setting))


def bypassed_at_all() -> Iterator[Warning]:
    return _bypassed(lambda setting: True)


def too_late(settings: Settings) -> Iterator[Warning]:
    """Middleware after ours whose work is for paths that no route of Django's has."""
    if settings.django_paths is not None:
        return
    for name in place.names_after():
        middleware = place.imported(name)
        if middleware is None:
            continue
        if sets_urlconf(middleware):
            told = "sets request.urlconf after it was decided whose a path is"
        elif answers_404s(middleware):
            told = "acts where an answer is a 404, which those of the frontend's paths never reach"
        else:
            continue
        yield Warning(
            f"{name} stands after SameSiteProxyMiddleware, and {told}.",
            hint="Put it before SameSiteProxyMiddleware, or list what is Django's: SAMESITE_PROXY ="
            ' {"DJANGO_PATHS": ["/api", "/admin"]}.',
            id="samesite_proxy.W007",
        )


def below_static(settings: Settings) -> Iterator[Warning]:
    """A frontend's prefixes that staticfiles' own runserver answers before all middleware."""
    static = place.static_path()
    for frontend in settings.frontends if static else ():
        if f"{frontend.prefix}/".startswith(static):
            yield Warning(
                f'What FRONTEND has for "{frontend.prefix}" lies below STATIC_URL, where'
                " staticfiles' handler answers under runserver before any middleware: 404.",
                hint="Put samesite_proxy first in INSTALLED_APPS and use its runserver, without"
                " ASGI; or start runserver with --nostatic.",
                id="samesite_proxy.W008",
            )
