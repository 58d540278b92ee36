"""As little of runserver as starts a frontend, of which the arguments are folder, command and port;
a fourth, "elsewhere": as where the system does not tell who listens.
"""

import signal
import sys
import time
from pathlib import Path

from django.conf import settings as django_settings

from samesite_proxy.conf import Frontend, Settings
from samesite_proxy.conf.commands import Command
from samesite_proxy.frontend_process import opening
from samesite_proxy.machine import sockets


def main() -> None:
    django_settings.configure()
    folder, run, port = sys.argv[1:4]
    sockets.IS_KNOWN = sockets.IS_KNOWN and "elsewhere" not in sys.argv
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # As the autoreloader has it.
    address = f"http://localhost:{port}"
    frontend = Frontend("/", f"{address}/", address, is_commanded=True)
    settings = Settings((frontend,), commands=(Command("/", run, Path(folder)),))
    try:
        with opening.started(settings, "", lambda line: print(line, flush=True), lambda: None):
            while True:
                time.sleep(60)
    except KeyboardInterrupt:
        sys.exit(0)


main()
