"""The example files of production: they parse, and say what `make run` does."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.conf import settings

from messaging.management.commands import run_portal
from tests.docs import documents
from tests.docs.documents import ENVIRONMENT_EXAMPLE, REPOSITORY, UNITS

PYTHON = "/opt/ioportal/.venv/bin/python"
NGINX = REPOSITORY / "deploy" / "nginx" / "ioportal.conf"
each_unit = pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)


def parsed(unit: Path) -> configparser.ConfigParser:
    """A unit file; ini is what systemd's format was taken from."""
    found = configparser.ConfigParser(interpolation=None, strict=True)
    found.optionxform = str  # type: ignore[assignment, method-assign]
    found.read(unit, encoding="utf-8")
    return found


def command(unit: Path) -> list[str]:
    """The words of ExecStart, as systemd would run them."""
    return [word.replace("%%", "%") for word in shlex.split(parsed(unit)["Service"]["ExecStart"])]


def test_there_are_five_units() -> None:
    assert [unit.name for unit in UNITS] == [
        "ioportal-files@.service",
        "ioportal-hosting.service",
        "ioportal-scheduler.service",
        "ioportal-web.service",
        "ioportal-worker@.service",
    ]


@each_unit
def test_units_stop_as_the_portal_wants_to_be_stopped(unit: Path) -> None:
    service = parsed(unit)["Service"]
    assert service["KillMode"] == "mixed"
    assert service["User"] == service["Group"] == "ioportal"
    assert service["EnvironmentFile"] == "/etc/ioportal/ioportal.env"
    assert service["WorkingDirectory"] == "/opt/ioportal"
    assert service["NoNewPrivileges"] == "yes"
    assert service["ProtectSystem"] == "strict"


@pytest.mark.parametrize("name", ["worker", "files"])
def test_a_worker_is_given_the_time_it_needs(name: str) -> None:
    unit = next(unit for unit in UNITS if name in unit.name)
    needed = settings.IO_CONNECT_TIMEOUT + settings.IO_READ_TIMEOUT + 5 + 30
    assert int(parsed(unit)["Service"]["TimeoutStopSec"]) > needed


def test_web_runs_as_make_run_runs_it() -> None:
    unit = next(unit for unit in UNITS if "web" in unit.name)
    assert command(unit) == [PYTHON, *run_portal._web("127.0.0.1", 8000)[1:]]


def test_hosting_runs_as_make_run_runs_it() -> None:
    unit = next(unit for unit in UNITS if "hosting" in unit.name)
    assert command(unit) == [PYTHON, *run_portal._hosting(8050)[1:]]


@pytest.mark.parametrize(("name", "queue", "threads"), [("worker", "ioportal", 8), ("files", "ioportal-files", 2)])
def test_workers_run_as_make_run_runs_them(name: str, queue: str, threads: int) -> None:
    unit = next(unit for unit in UNITS if name in unit.name)
    words = command(unit)
    assert words[-2:] == ["--hostname", f"{name}-%i@%h"]
    # Nobody runs it as root there, so Celery's warning of that stays on.
    silenced = 1 + len(run_portal._AS_ROOT)
    assert words[:-2] == [PYTHON, *run_portal._worker(queue, threads)[silenced:]]


def test_the_scheduler_runs_as_make_run_runs_it() -> None:
    unit = next(unit for unit in UNITS if "scheduler" in unit.name)
    assert command(unit) == [PYTHON, *run_portal._scheduler()[1:]]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not here")
@each_unit
def test_systemd_accepts_the_unit(unit: Path, tmp_path: Path) -> None:
    # The same unit, with this project in place of /opt/ioportal and a user that exists.
    text = documents.read(unit).replace(PYTHON, sys.executable).replace("/opt/ioportal", str(REPOSITORY))
    text = text.replace("=ioportal\n", "=root\n").replace("StateDirectory=root\n", "StateDirectory=ioportal\n")
    copy = tmp_path / unit.name.replace("@", "@1")
    copy.write_text(text, encoding="utf-8")
    answer = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(copy)], capture_output=True, text=True, check=False
    )
    complaints = [line for line in answer.stderr.splitlines() if unit.stem.rstrip("@") in line]
    assert answer.returncode == 0, answer.stderr
    assert not complaints, complaints


@pytest.mark.skipif(not shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin"), reason="nginx is not here")
def test_nginx_accepts_its_file(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    site = documents.read(NGINX).replace("/etc/ssl/certs/ioportal.pem", str(certificate))
    site = site.replace("/etc/ssl/private/ioportal.key", str(key))
    (tmp_path / "site.conf").write_text(site, encoding="utf-8")
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid; error_log stderr; events {{}} http {{ access_log off; include {tmp_path}/site.conf; }}\n",
        encoding="utf-8",
    )
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    assert nginx
    answer = subprocess.run(
        [nginx, "-t", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for nobody, so that nginx can read one."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "portale.comune.example.it")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(pem))
    plain = serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    return folder / "certificate.pem", folder / "key.pem"


def test_nginx_and_the_web_unit_meet_at_one_port() -> None:
    unit = next(unit for unit in UNITS if "web" in unit.name)
    bind = command(unit)[command(unit).index("--bind") + 1]
    assert set(re.findall(r"proxy_pass http://([^;]+);", documents.read(NGINX))) == {bind}
    assert re.search(r"proxy_set_header X-Forwarded-Proto \$scheme;", documents.read(NGINX))


def test_nginx_lets_the_largest_spreadsheet_through() -> None:
    limit = re.search(r"client_max_body_size (\d+)m;", documents.read(NGINX))
    assert limit
    assert int(limit[1]) > settings.SPREADSHEET_MAX_MEGABYTES


def example() -> dict[str, str]:
    """The settings of the example, as a shell and systemd read them."""
    lines = [line for line in documents.read(ENVIRONMENT_EXAMPLE).splitlines() if line and not line.startswith("#")]
    return dict(shlex.split(line)[0].split("=", 1) for line in lines)


def test_the_example_names_only_settings_that_exist() -> None:
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", documents.read(REPOSITORY / "docs" / "settings.md"), re.M))
    assert set(example()) <= documented


def test_the_example_carries_no_secret() -> None:
    assert not {"SECRET_KEY", "ENCRYPTION_KEYS"} & set(example())


def manage(tmp_path: Path, *, secrets: bool, **changes: str) -> subprocess.CompletedProcess[str]:
    """`deploy/manage check` with the example, its folders moved into ``tmp_path``."""
    text = documents.read(ENVIRONMENT_EXAMPLE).replace("/var/lib/", f"{tmp_path}/")
    text += "".join(f"\n{name}={value}" for name, value in changes.items())
    (tmp_path / "ioportal.env").write_text(text + "\n", encoding="utf-8")
    if secrets:
        folder = tmp_path / "ioportal-secrets"
        folder.mkdir(mode=0o700)
        (folder / "secret_key").write_text("a secret of this test and of nothing else, long enough", encoding="utf-8")
        (folder / "encryption_keys").write_text(settings.ENCRYPTION_KEYS[0], encoding="utf-8")
    variables = {"PATH": os.environ["PATH"], "IOPORTAL_ENV": str(tmp_path / "ioportal.env")}
    return subprocess.run(
        [str(REPOSITORY / "deploy" / "manage"), "check"], env=variables, capture_output=True, text=True, check=False
    )


@pytest.mark.skipif(not (REPOSITORY / ".venv").exists(), reason="there is no .venv here")
def test_the_example_starts_beside_a_simulator(tmp_path: Path) -> None:
    answer = manage(tmp_path, secrets=False, IO_API_URL="http://127.0.0.1:9/api/v1")
    assert answer.returncode == 0, answer.stderr


@pytest.mark.skipif(not (REPOSITORY / ".venv").exists(), reason="there is no .venv here")
def test_the_example_starts_beside_the_real_io_once_it_has_its_secrets(tmp_path: Path) -> None:
    answer = manage(tmp_path, secrets=True)
    assert answer.returncode == 0, answer.stderr


@pytest.mark.skipif(not (REPOSITORY / ".venv").exists(), reason="there is no .venv here")
def test_the_example_does_not_start_beside_the_real_io_without_secrets(tmp_path: Path) -> None:
    answer = manage(tmp_path, secrets=False)
    assert answer.returncode != 0
    assert "SECRET_KEY is missing" in answer.stderr
