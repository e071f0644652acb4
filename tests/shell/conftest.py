import pytest
from django.conf import settings as site
from django.core.management import call_command
from django.utils.translation import trans_real


@pytest.fixture(scope="session", autouse=True)
def compiled_translations():
    call_command("compile_translations", verbosity=0)
    trans_real._translations.clear()


@pytest.fixture(autouse=True)
def plain_static_files(settings, tmp_path):
    """Static addresses without the manifest of collectstatic, which tests do not run."""
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = {
        **site.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
