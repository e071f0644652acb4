"""`manage.py simulate_io`: an IO platform in a box, with a citizen's phone."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from messaging.simulator.options import add_arguments, read_options
from messaging.simulator.server import run


class Command(BaseCommand):
    """Starts the simulator and runs until it is told to stop."""

    help = "Runs the IO simulator: the messaging API, a citizen's phone and a control desk."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The simulator's options."""
        add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run; the exit status is the simulator's."""
        status = run(read_options(options))
        if status:
            sys.exit(status)
