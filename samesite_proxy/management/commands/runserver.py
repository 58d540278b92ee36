"""The runserver below ours in INSTALLED_APPS, behind the listener."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any, NoReturn

from django.conf import settings as django_settings
from django.core.management import CommandError
from django.core.management.commands.runserver import Command as DjangoCommand
from django.core.servers.basehttp import WSGIServer
from django.http.request import validate_host
from django.utils import autoreload
from django.utils.module_loading import import_string

from samesite_proxy import asgi, conf
from samesite_proxy._engine import EngineError
from samesite_proxy.conf.frontends import ANY_ADDRESS_NAMES
from samesite_proxy.fastpath import (
    base_command,
    handover,
    interrupts,
    listener,
    project_files,
    restarts,
    server,
    table,
    termination,
)
from samesite_proxy.fastpath.handover import Handover
from samesite_proxy.machine import own_address
from samesite_proxy.proxy import place

Next: Any = base_command.below_ours()

# As Django words them, where its own server cannot listen.
ERRORS = {
    errno.EACCES: "You don't have permission to access that port.",
    errno.EADDRINUSE: "That port is already in use.",
    errno.EADDRNOTAVAIL: "That IP address can't be assigned to.",
}

OWN_ADDRESS = (
    'SAMESITE_PROXY["FRONTEND"] names {address}, where runserver itself is to listen: every request'
    " would come back to it. Start Django on another port (its own is 8000), or set FRONTEND to the"
    " frontend's address (Vite's default port is 5173, Next's is 3000)."
)

COMMAND_CHANGED = 'SAMESITE_PROXY["COMMAND"] has changed: start runserver again to run it.'

WEBSOCKETS_ELSEWHERE = (
    "This is no ASGI server: WebSockets go to the frontend, those for routes of ASGI_APPLICATION's"
    " too."
)


def _has_websockets_elsewhere() -> bool:
    """Whether the project has WebSockets that this server, of WSGI, does not know."""
    name: str | None = getattr(django_settings, "ASGI_APPLICATION", None)
    if name is None or not place.is_listed():
        return False
    try:
        return asgi.has_websocket_routes(import_string(name))
    except Exception:  # It is not needed here, and so need not work.
        return False


class Command(Next):  # type: ignore[misc]
    """Every option of the next runserver's, and --nofastpath."""

    addr: str
    _raw_ipv6: bool

    _handover: Handover | None = None
    _is_behind_listener = False  # of another process
    _fast_path: listener.FastPath | None = None  # of this process
    _port = 0  # of the listener in this process
    _off = ""  # why there is no fast path
    _server_cls: type[Any] | None = None
    _table: table.Plain

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--nofastpath",
            action="store_false",
            dest="use_fastpath",
            help="Tells samesite_proxy to pass every request through Django.",
        )

    @property
    def server_cls(self) -> Any:
        base = self._server_cls or super().server_cls
        if self._handover is None:
            return base
        return server.server_class(base, self._handover, self._settings, self._table)

    @server_cls.setter
    def server_cls(self, base: type[Any]) -> None:
        self._server_cls = base  # As daphne's runserver sets Django's with --noasgi.

    def _why_off(self, options: dict[str, Any]) -> str:
        """Why the server that is about to start cannot have a listener."""
        if not options.get("use_fastpath", True):
            return "--nofastpath"
        if "use_asgi" in options:
            return "this is an ASGI server" if options["use_asgi"] else ""
        is_own = Next.inner_run is not DjangoCommand.inner_run
        if is_own or not issubclass(super().server_cls, WSGIServer) or self.protocol != "http":
            return f"{Next.__module__} starts a server of its own"
        return ""

    def _refuse_own_address(self) -> None:
        settings, _ = conf.read()
        given = settings.frontends if settings else ()
        frontends = [each for each in given if not each.is_commanded]
        found = own_address.among(frontends, self.addr, int(self.port), ipv6=self.use_ipv6)
        if found is not None:
            raise CommandError(OWN_ADDRESS.format(address=found.address))

    def run(self, **options: Any) -> None:
        self._off = self._why_off(options)
        interrupts.keep(may_handle=not self._off)
        self._names_address = ":" in (options.get("addrport") or "")
        is_child = os.environ.get(autoreload.DJANGO_AUTORELOAD_ENV) == "true"
        if is_child and options["use_reloader"] and not self._off and handover.offered() is None:
            self._take_parents_place()
            is_child = False
        if not is_child:
            self._refuse_own_address()
        with contextlib.ExitStack() as stack:
            stack.enter_context(interrupts.let_in())
            if self._off:
                pass
            elif options["use_reloader"] and is_child:
                self._enter_offered()
            else:
                stack.enter_context(self._listening(options))
            self._see_to_frontends(stack, is_child=is_child)
            super().run(**options)

    def _see_to_frontends(self, stack: contextlib.ExitStack, *, is_child: bool) -> None:
        """Those that COMMAND starts, in the process that outlives reloads."""
        settings, _ = conf.read()
        if settings is None or not settings.commands or not settings.frontends:
            return
        if is_child:
            from samesite_proxy.conf import whereabouts

            if not whereabouts.follow(settings.commands):
                self.stdout.write(COMMAND_CHANGED)
            return
        from samesite_proxy.frontend_process import opening

        stack.enter_context(
            opening.started(settings, self._origin(), self.stdout.write, self._tell_listener)
        )

    def _origin(self) -> str:
        """This server's, for the frontend that asks it; "" where only binding tells the port."""
        port = self._port or int(self.port)
        is_named = self._names_address and self.addr not in ANY_ADDRESS_NAMES | {"0"}
        host = self.addr if is_named else "localhost"
        return f"http://{f'[{host}]' if ':' in host else host}:{port}" if port else ""

    def _tell_listener(self) -> None:
        if self._fast_path is not None:
            self._fast_path.moved()

    def _take_parents_place(self) -> None:
        """The project was broken when that one started, or ours was not installed: it has no
        listener, and this process starts the server as its own child.
        """
        del os.environ[autoreload.DJANGO_AUTORELOAD_ENV]
        restarts.end_with_parent()

    def _enter_offered(self) -> None:
        """In the process that the autoreloader starts anew after each change."""
        offered = handover.offered()
        if isinstance(offered, Handover):
            self._handover = offered
            self._is_behind_listener = True
            self._leave_before_reload(offered)
        else:
            self._off = offered or ""

    def _leave_before_reload(self, entered: Handover) -> None:
        reload = autoreload.trigger_reload

        def leave_and_reload(filename: Any) -> None:
            entered.tell({"files": project_files.loaded()})
            entered.leave()
            reload(filename)

        autoreload.trigger_reload = leave_and_reload

    @contextlib.contextmanager
    def _listening(self, options: dict[str, Any]) -> Iterator[None]:
        """In the process that lives as long as runserver does."""
        try:
            listening = listener.listen(self.addr, int(self.port), ipv6=self.use_ipv6)
        except (OSError, OverflowError) as error:  # The latter: there is no such port.
            known = ERRORS.get(getattr(error, "errno", None) or 0, error)
            self.stderr.write(f"Error: {known}")
            sys.exit(1)
        self._port = listening.getsockname()[1]
        with listening:
            try:
                opened = listener.FastPath(listening)
            except (EngineError, OSError, RuntimeError) as error:  # Or no thread.
                self._off = str(error)
        if self._off:
            handover.refuse(self._off)
            yield
            return
        self._fast_path = opened
        try:
            if options["use_reloader"]:
                opened.offer()
                autoreload.restart_with_reloader = restarts.Restarts(opened, self.stderr.write).run
                yield
            else:
                self._handover = opened.handover()
                with termination.answers_first(opened.close):
                    yield
        finally:
            opened.close()

    def get_handler(self, *args: Any, **options: Any) -> Any:
        handler = super().get_handler(*args, **options)
        self._settings, _ = conf.read()
        self._table = table.table_of(handler, self._settings)
        self._off = self._off or table.reason_against(handler, self._settings)
        return table.frontends_first(handler, self._settings)

    def inner_run(self, *args: Any, **options: Any) -> None:
        try:
            self._serve(*args, **options)
        except BaseException as error:
            if self._is_behind_listener and self._handover and not self._handover.is_left:
                self._end_by(error, self._handover)
            raise

    def _end_by(self, error: BaseException, entered: Handover) -> NoReturn:
        """Django's reloader would wait for a save of what was imported; the listener's process also
        waits for one of what was not.
        """
        entered.report({"files": [*project_files.loaded(), *project_files.named_by(error)]})
        restarts.end_by(error)

    def _serve(self, *args: Any, **options: Any) -> None:
        self._refuse_own_address()  # The settings may have been saved since.
        if options.get("use_asgi"):  # It has a banner of its own.
            self._say_if_off()
            self._say_frontends(conf.read()[0], int(self.port))
        super().inner_run(*args, **options)

    def on_bind(self, server_port: int) -> None:
        given = self.addr, self._raw_ipv6
        if not self._names_address and self._allows_localhost():
            self.addr, self._raw_ipv6 = "localhost", False
        super().on_bind(server_port)
        self.addr, self._raw_ipv6 = given
        self._say_if_off()
        self._say_frontends(self._settings, server_port)
        if self._settings and self._settings.frontends and _has_websockets_elsewhere():
            self.stdout.write(WEBSOCKETS_ELSEWHERE)

    def _allows_localhost(self) -> bool:
        """The name under which frontends work best."""
        allowed = django_settings.ALLOWED_HOSTS
        return validate_host("localhost", allowed) if allowed else django_settings.DEBUG

    def _say_frontends(self, settings: conf.Settings | None, port: int) -> None:
        if settings is not None and settings.frontends:
            from samesite_proxy.fastpath import banner

            banner.say(settings, self.addr, port, self.stdout.write)

    def _say_if_off(self) -> None:
        if self._off:
            self.stdout.write(f"The fast path is off: {self._off}.")
