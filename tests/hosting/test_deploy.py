"""The unit and the site of production say what `make run` does."""

from __future__ import annotations

import re
import shlex

from tests.docs import documents
from tests.hosting.test_over_http import SITE
from tests.simulator_process import REPOSITORY

UNIT = REPOSITORY / "deploy" / "systemd" / "ioportal-hosting.service"


def command() -> list[str]:
    """The words of ExecStart."""
    found = re.search(r"^ExecStart=(.+)$", documents.read(UNIT), re.MULTILINE)
    assert found
    return shlex.split(found[1])


def test_nginx_and_the_unit_meet_at_one_port() -> None:
    bind = command()[command().index("--bind") + 1]
    assert re.findall(r"proxy_pass http://([^;]+);", documents.read(SITE)) == [bind]


def test_only_the_site_of_hosting_lets_underscores_through() -> None:
    others = [path for path in SITE.parent.glob("*.conf") if path != SITE]
    assert "underscores_in_headers on;" in documents.read(SITE)
    assert others
    assert not any("underscores_in_headers" in documents.read(path) for path in others)
