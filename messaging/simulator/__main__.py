"""`python -m messaging.simulator`: the simulator without a project around it."""

import argparse
import sys

from messaging.simulator.options import add_arguments, read_options
from messaging.simulator.server import run


def main() -> int:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m messaging.simulator", description=__doc__)
    add_arguments(parser)
    return run(read_options(vars(parser.parse_args())))


if __name__ == "__main__":
    sys.exit(main())
