"""Tells IO where to fetch remote content, for every institution of which IO does not know the present state."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from messaging.models import RemoteConfiguration
from messaging.remote import registration
from messaging.remote.registration import CannotTell

#: Between two tries while IO does not answer.
AGAIN = 0.3


class Command(BaseCommand):
    help = "Tell IO the remote content configurations that it does not know yet; the exit status is 1 when one failed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--wait", type=float, default=0.0, metavar="SECONDS", help="Go on trying for so long.")
        parser.add_argument("--quiet", action="store_true", help="Say only what failed.")

    def handle(self, *args: Any, **options: Any) -> None:
        until = time.monotonic() + options["wait"]
        waiting = RemoteConfiguration.objects.filter(confirmed_at__isnull=True, institution__manage_key__isnull=False)
        failed = False
        for configuration in waiting.select_related("institution"):
            why = _register(configuration, until)
            failed = failed or bool(why)
            if why:
                self.stderr.write(f"{configuration.institution}: IO was not told ({why}).")
            elif not options["quiet"]:
                self.stdout.write(f"{configuration.institution}: IO knows it as {configuration.configuration_id}.")
        sys.exit(int(failed))


def _register(configuration: RemoteConfiguration, until: float) -> str:
    """Tell IO; returns why it could not be told, or an empty text."""
    while True:
        try:
            registration.register(configuration)
            return ""
        except CannotTell as error:
            if error.code != "not_sent" or time.monotonic() > until:
                return error.code
        time.sleep(AGAIN)
