"""Questions about the proxy, and their answers: `manage.py samesite_proxy routes` and others."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from importlib import import_module
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from samesite_proxy import conf


class Command(BaseCommand):
    """What each subcommand needs is loaded by it alone."""

    help = "Tells who answers which path, and what is wrong."
    _is_answered = False
    requires_system_checks: list[str] = []  # `doctor` tells of them itself.

    def add_arguments(self, parser: ArgumentParser) -> None:
        which = parser.add_subparsers(dest="which", required=True, metavar="QUESTION")
        routes = which.add_parser("routes", help="Every pattern, whose it is, and why.")
        why = which.add_parser("why", help="Who answers a path, and what both sides say of it.")
        why.add_argument("path", help="A path, or an address as the browser shows it.")
        doctor = which.add_parser("doctor", help="What is wrong, and what helps.")
        for subcommand in (routes, why, doctor):
            subcommand.add_argument("--json", action="store_true", help="For programs to read.")

        nginx = which.add_parser("nginx", help="The same table as nginx's configuration.")
        ways = nginx.add_mutually_exclusive_group()
        ways.add_argument(
            "--docker",
            dest="way",
            action="store_const",
            const="docker",
            default="docker",
            help="For nginx in a container, on :8080 (the default).",
        )
        ways.add_argument(
            "--direct",
            dest="way",
            action="store_const",
            const="direct",
            help="For an nginx of this machine.",
        )

    def handle(self, *args: Any, which: str, **options: Any) -> None:
        try:
            if trouble := self._room("django_settings").trouble():
                raise CommandError(trouble)
            getattr(self, f"_{which}")(options)
        except CommandError as error:
            if options.get("json") and not self._is_answered:
                self._write({"error": str(error)})
            raise

    def _room(self, name: str) -> Any:
        return import_module(f"samesite_proxy.commands.{name}")

    def _settings(self) -> conf.Settings:
        settings, problems = conf.read()
        if settings is None:
            raise CommandError("\n".join(f"{each.msg} {each.hint}" for each in problems))
        if not settings.frontends:
            raise CommandError('SAMESITE_PROXY["FRONTEND"] is None: Django answers everything.')
        if trouble := self._room("urlconf").trouble():
            raise CommandError(trouble)
        now: conf.Settings = self._room("asking").now(settings)
        return now

    def _write(self, answer: dict[str, Any]) -> None:
        """In ASCII, whatever the terminal's encoding, and whatever bytes names are made of."""
        self.stdout.write(json.dumps(answer, indent=2))

    def _say(self, question: Any, answer: dict[str, Any], options: dict[str, Any]) -> None:
        self._is_answered = True
        if options["json"]:
            self._write(answer)
        else:
            self.stdout.write(question.told(answer, self.style))

    def _routes(self, options: dict[str, Any]) -> None:
        routes = self._room("routes")
        self._say(routes, routes.found(self._settings()), options)

    def _why(self, options: dict[str, Any]) -> None:
        why, pasted = self._room("why"), self._room("pasted")
        try:
            target = pasted.understood(options["path"])
        except pasted.NotUnderstood as error:
            raise CommandError(str(error)) from error
        self._say(why, why.found(self._settings(), target), options)

    def _doctor(self, options: dict[str, Any]) -> None:
        doctor = self._room("doctor")
        answer = doctor.found()
        self._say(doctor, answer, options)
        if not answer["is_well"]:
            raise CommandError("Something is wrong.", returncode=1)

    def _nginx(self, options: dict[str, Any]) -> None:
        nginx = self._room("nginx")
        try:
            printed = str(nginx.Printed(self._settings(), options["way"]))
        except nginx.NotWritten as error:
            raise CommandError(str(error)) from error
        self.stdout.write(printed, ending="")
