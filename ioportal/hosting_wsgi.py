"""The WSGI application of what IO fetches, for gunicorn: a process apart from the pages (docs/hosting.md)."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ioportal.settings")
django.setup(set_prefix=False)

from messaging.hosting.application import Hosting  # noqa: E402
from messaging.hosting.openings import Recorder  # noqa: E402

application = Hosting(Recorder())
