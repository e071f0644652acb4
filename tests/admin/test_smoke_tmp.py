import pytest
from django.urls import reverse
from tests import cast
pytestmark = pytest.mark.django_db
def test_x(client):
    s = cast.make_service()
    a = cast.make_administrator(s.institution)
    m = cast.make_message(service=s)
    client.force_login(a)
    for u in [reverse("admin:index"), reverse("admin:messaging_service_change", args=[s.pk]), reverse("admin:messaging_message_changelist"), reverse("admin:messaging_message_change", args=[m.pk]),reverse("admin:messaging_user_changelist"),reverse("admin:messaging_user_add"),reverse("admin:messaging_user_change", args=[m.author.pk]),reverse("admin:messaging_institution_change", args=[s.institution.pk]),reverse("admin:messaging_gatewayaccount_change", args=[s.institution.account.pk])]:
        r = client.get(u)
        assert r.status_code == 200, (u, r)
