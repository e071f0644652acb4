"""Asking veraPDF, where it is installed, whether files are the PDF/A that they say they are.

Its command line (docs.verapdf.org/cli): `--format text` answers a line for each file, "PASS path" or "FAIL path", and
without a flavour each file is checked against the one that it declares. Of one that it cannot read it says something
else.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path

#: Seconds: for the Java machine to start, and for each file.
STARTING = 20.0
FOR_EACH = 10.0
#: Of our environment, where secrets may stand, what starts a program.
_ENVIRONMENT = ("PATH", "HOME", "LANG", "JAVA_HOME", "JAVA_OPTS", "JAVA_TOOL_OPTIONS")


class Verdict(Enum):
    """What veraPDF said; unknown where it said nothing, or nothing in time."""

    CONFORMS = "conforms"
    FAILS = "fails"
    UNKNOWN = "unknown"


_WORDS = {"PASS": Verdict.CONFORMS, "FAIL": Verdict.FAILS}


def check(command: Sequence[str], paths: Sequence[Path]) -> Mapping[Path, Verdict]:
    """Check files whose names end in ".pdf", of which each declares to be PDF/A; every one has a verdict.

    ``command`` is a program and its arguments; the portal's own are added. It runs without a shell.
    """
    verdicts = dict.fromkeys(paths, Verdict.UNKNOWN)
    if not paths:
        return verdicts
    by_name = {str(path.resolve()): path for path in paths}
    seconds = STARTING + FOR_EACH * len(paths)
    for line in _output([*command, "--format", "text", *by_name], seconds).splitlines():
        word, _blank, rest = line.partition(" ")
        # Newer versions add the flavour.
        name = next((name for name in by_name if rest == name or rest.startswith(f"{name} ")), None)
        if word in _WORDS and name is not None:
            verdicts[by_name[name]] = _WORDS[word]
    return verdicts


def _output(arguments: list[str], seconds: float) -> str:
    """What a program writes; nothing where it cannot run, or not in time."""
    try:
        process = subprocess.Popen(  # noqa: S603 - the installation's own command, and paths that we made
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
            start_new_session=True,
        )
    except OSError:
        return ""
    try:
        return process.communicate(timeout=seconds)[0].decode("utf-8", "replace")
    except subprocess.TimeoutExpired:
        # With the Java machine that the program started, which would go on.
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return ""
