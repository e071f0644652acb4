"""A service's two keys: written here, switched here, shown nowhere but as their last four characters."""

from __future__ import annotations

from django.db import transaction
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from messaging.enums import KeySlot
from messaging.models import Service, ServiceKey
from messaging.templatetags.portal import when


@sensitive_variables("secret")
def store_key(service: Service, slot: KeySlot, secret: str) -> ServiceKey:
    """Put a new secret into a slot; the first key of a service is in use at once."""
    with transaction.atomic():
        # The old secret is not read: it may be one that no key of ENCRYPTION_KEYS opens any more.
        key = service.keys.defer("secret").filter(slot=slot).first() or ServiceKey(service=service, slot=slot)
        key.secret = secret
        key.in_use = key.in_use or not service.keys.filter(in_use=True).exists()
        key.save()
    return key


def use_key(service: Service, slot: KeySlot) -> bool:
    """Send with the key of this slot from the next call on; False when the slot is empty or in use already."""
    with transaction.atomic():
        # The service's row is the lock: two people switching at once would otherwise meet at the constraint.
        Service.objects.select_for_update().filter(pk=service.pk).first()
        if not service.keys.filter(slot=slot, in_use=False).exists():
            return False
        service.keys.exclude(slot=slot).update(in_use=False)
        service.keys.filter(slot=slot).update(in_use=True)
    return True


def spare_slot(service: Service) -> KeySlot | None:
    """The slot that holds a key which is not in use, if there is one."""
    slot = service.keys.filter(in_use=False).values_list("slot", flat=True).first()
    return KeySlot(slot) if slot else None


def describe_keys(service: Service) -> SafeString:
    """Both slots in words: last four characters, whether in use, since when."""
    kept = {key.slot: key for key in service.keys.defer("secret")}
    return format_html_join("", "<p>{}</p>", ((_describe(slot, kept.get(slot)),) for slot in KeySlot))


def _describe(slot: KeySlot, key: ServiceKey | None) -> str:
    name = str(slot.label).capitalize()
    if key is None:
        return format_html("<strong>{}</strong>: {}", name, _("nessuna"))
    state = _("in uso") if key.in_use else _("di riserva")
    changed = _("cambiata %(when)s") % {"when": when(key.changed_at)}
    return format_html("<strong>{}</strong>: … {} – {}, {}", name, key.last_four, state, changed)
