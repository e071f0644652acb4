"""Which of the things that some tests need are on this machine."""

from __future__ import annotations

import functools
import os
import shutil
import socket
from urllib.parse import urlsplit

import psycopg

POSTGRESQL, REDIS, RABBITMQ, CHROMIUM = "PostgreSQL", "Redis", "RabbitMQ", "Chromium"


def postgresql_url() -> str:
    """The server to make test databases on: that of DATABASE_URL, else of TEST_POSTGRESQL_URL, else the usual one."""
    given = os.environ.get("DATABASE_URL", "")
    usual = os.environ.get("TEST_POSTGRESQL_URL", "postgres://postgres@127.0.0.1:5432/postgres")
    return given if given.startswith("postgres") else usual


def redis_url() -> str:
    """The Redis to put private queues on."""
    given = os.environ.get("CELERY_BROKER_URL", "")
    return given if given.startswith("redis") else "redis://127.0.0.1:6379/9"


def rabbitmq_url() -> str:
    """The RabbitMQ to put private queues on."""
    given = os.environ.get("CELERY_BROKER_URL", "")
    return given if given.startswith("amqp") else "amqp://guest:guest@127.0.0.1:5672//"


def chromium() -> str | None:
    """The path of a Chromium, for the browser tests."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


def maintenance_url() -> str:
    """Where to say CREATE DATABASE."""
    return urlsplit(postgresql_url())._replace(scheme="postgresql", path="/postgres", query="").geturl()


@functools.cache
def has(name: str) -> bool:
    """Whether the thing is here and answers."""
    if name == CHROMIUM:
        return chromium() is not None
    if name == POSTGRESQL:
        return _postgresql_answers()
    return _somebody_listens(redis_url() if name == REDIS else rabbitmq_url())


def _postgresql_answers() -> bool:
    try:
        psycopg.connect(maintenance_url(), connect_timeout=3).close()
    except psycopg.Error:
        return False
    return True


def _somebody_listens(url: str) -> bool:
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname, parts.port or 0), timeout=3).close()
    except OSError:
        return False
    return True
