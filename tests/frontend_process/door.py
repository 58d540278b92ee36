"""As little of runserver as starts a frontend: its folder and its command are the arguments."""

import signal
import sys
import time
from pathlib import Path

from django.conf import settings as django_settings

from samesite_proxy.conf import Frontend, Settings
from samesite_proxy.frontend_command import Command
from samesite_proxy.frontend_process import opening


def main() -> None:
    django_settings.configure()
    folder, run = sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # As the autoreloader has it.
    frontend = Frontend("/", "http://localhost:1/", "http://localhost:1", is_commanded=True)
    settings = Settings((frontend,), commands=(Command("/", run, Path(folder)),))
    try:
        with opening.started(settings, "", lambda line: print(line, flush=True), lambda: None):
            while True:
                time.sleep(60)
    except KeyboardInterrupt:
        sys.exit(0)


main()
