"""What every page draws with: icons, status pills, dates and numbers in words, form fields with their errors."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

from django import template
from django.forms import (
    BaseForm,
    BoundField,
    CheckboxInput,
    CheckboxSelectMultiple,
    FileInput,
    RadioSelect,
    Select,
    Widget,
)
from django.forms.formsets import BaseFormSet
from django.template.context import Context
from django.templatetags.static import static
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.dateformat import format as date_words
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from messaging.enums import BatchStatus, Status
from messaging.models import User

register = template.Library()


# Icons and states


@register.simple_tag
def icon(name: str, size: str = "sm", css: str = "") -> SafeString:
    """An icon of Bootstrap Italia's sprite, silent for screen readers: ``{% icon "it-check" %}``.

    ``size`` is xs, sm, lg or empty for the natural one; ``css`` adds classes.
    """
    classes = " ".join(filter(None, ["icon", f"icon-{size}" if size else "", css]))
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="{}#{}"></use></svg>',
        classes,
        static("theme/svg/sprites.svg"),
        name,
    )


@register.simple_tag
def pill(word: str, tone: str = "idle", icon_name: str = "") -> SafeString:
    """A word with tone and icon: ``{% pill _("In prova") "wait" "it-tool" %}``."""
    if not icon_name:
        return format_html('<span class="status bare is-{}">{}</span>', tone, word)
    return format_html('<span class="status is-{}">{}{}</span>', tone, icon(icon_name), word)


@register.simple_tag
def status_pill(status: str) -> SafeString:
    """A message's status as icon, word and tone: ``{% status_pill message.status %}``."""
    known = Status(status)
    return pill(str(known.label), known.tone, known.icon)


@register.simple_tag
def sending_pill(status: str) -> SafeString:
    """The same for a sending from a spreadsheet: ``{% sending_pill batch.status %}``."""
    known = BatchStatus(status)
    return pill(str(known.label), known.tone, known.icon)


@register.simple_tag
def status_round(status: str) -> SafeString:
    """The round icon of a status, for lists and timelines."""
    known = Status(status)
    return round_icon(known.icon, known.tone)


@register.simple_tag
def round_icon(name: str, tone: str = "idle") -> SafeString:
    """An icon on a round of its tone: ``{% round_icon story.icon story.tone %}``."""
    return format_html('<span class="round is-{}">{}</span>', tone, icon(name))


# Dates and times, always Europe/Rome


def _local(moment: datetime.datetime) -> datetime.datetime:
    return timezone.localtime(moment) if timezone.is_aware(moment) else moment


def _words(moment: datetime.date, pattern: str) -> str:
    """Day and month names as the language writes them within a sentence."""
    words = date_words(moment, pattern)
    return words.lower() if (get_language() or "it").startswith("it") else words


def _full_day(moment: datetime.date) -> str:
    return _words(moment, "j F Y")


def _near_day(moment: datetime.date, today: datetime.date) -> str:
    """Today, yesterday, tomorrow, a weekday of the last six days; otherwise the full date."""
    distance = (today - moment).days
    if distance == 0:
        return _("oggi")
    if distance == 1:
        return _("ieri")
    if distance == -1:
        return _("domani")
    return _words(moment, "l") if 1 < distance < 7 else _full_day(moment)


def _at(clock: str) -> str:
    """The hour in a sentence: Italian elides before one o’clock."""
    return (_("all’%(time)s") if clock.startswith("1:") else _("alle %(time)s")) % {"time": clock}


def _when(moment: datetime.date | None, pattern: str) -> str:
    if not moment:
        return ""
    today = timezone.localdate()
    if not isinstance(moment, datetime.datetime):
        return _near_day(moment, today)
    local = _local(moment)
    return f"{_near_day(local.date(), today)} {_at(date_words(local, pattern))}"


@register.filter
def when(moment: datetime.date | None) -> str:
    """«oggi alle 10:05», «giovedì alle 9:30», «16 dicembre 2026 alle 9:30»; a date without hour gives the day alone."""
    return _when(moment, "G:i")


@register.filter
def when_exact(moment: datetime.datetime | None) -> str:
    """The same with seconds, for timelines: «oggi alle 10:01:29»."""
    return _when(moment, "G:i:s")


@register.filter
def day(moment: datetime.date | None) -> str:
    """The full date: «16 dicembre 2026»."""
    if not moment:
        return ""
    return _full_day(_local(moment) if isinstance(moment, datetime.datetime) else moment)


@register.filter
def weekday(moment: datetime.date) -> str:
    """The day as one says it: «mercoledì 18 novembre»."""
    return _words(moment, "l j F")


@register.filter
def clock(moment: datetime.datetime | None) -> str:
    """The hour alone: «9:30»."""
    return date_words(_local(moment), "G:i") if moment else ""


@register.filter
def clock_exact(moment: datetime.datetime | None) -> str:
    """The hour with seconds: «9:30:05»."""
    return date_words(_local(moment), "G:i:s") if moment else ""


@register.filter
def elapsed(moment: datetime.datetime | None) -> str:
    """How long since then, in its two largest units: «2 ore e 10 minuti»."""
    if not moment:
        return ""
    minutes = max(0, int((timezone.now() - moment).total_seconds() // 60))
    if minutes < 1:
        return _("meno di un minuto")
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    parts = [
        ngettext("un giorno", "%(n)d giorni", days) % {"n": days} if days else "",
        ngettext("un’ora", "%(n)d ore", hours) % {"n": hours} if hours else "",
        ngettext("un minuto", "%(n)d minuti", minutes) % {"n": minutes} if minutes and not days else "",
    ]
    told = [part for part in parts if part]
    return _("%(first)s e %(second)s") % {"first": told[0], "second": told[1]} if len(told) == 2 else told[0]


# Numbers and names


@register.filter
def stop(text: str) -> str:
    """The full stop of a sentence that ends with names: «Giulia F.» has it already, «Giulia» has not."""
    return text if text.endswith(".") else f"{text}."


@register.filter
def number(value: int | None) -> str:
    """A whole number with its thousands apart: «2.846»."""
    return "" if value is None else formats.number_format(value, 0, force_grouping=True)


@register.filter
def euros(cents: int | None, unit: str = "") -> str:
    """An amount in cents as «148,50»; ``|euros:"euro"`` appends the unit."""
    if cents is None:
        return ""
    amount = formats.number_format(Decimal(cents).scaleb(-2), 2, force_grouping=True)
    return f"{amount} {unit}".strip()


@register.filter
def grouped(digits: str | None) -> str:
    """A notice number in groups of four: «3020 0000 0004 8217 34»."""
    text = digits or ""
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


@register.filter
def person(user: User | None) -> str:
    """First name and initial: «Marta R.»."""
    return user.short_name if user else ""


# Forms


def _control_class(widget: Widget) -> str:
    if isinstance(widget, RadioSelect | CheckboxSelectMultiple | CheckboxInput):
        return ""
    return "form-select" if isinstance(widget, Select) else "form-control"


def _descriptions(bound: BoundField) -> dict[str, str]:
    descriptions: dict[Any, Any] = getattr(bound.field.widget, "descriptions", {})
    return {str(key): str(text) for key, text in descriptions.items()}


def _choices(bound: BoundField) -> list[dict[str, Any]]:
    """The radio buttons or boxes of a field, each with what its choice means."""
    descriptions = _descriptions(bound)
    return [
        {
            "box": box.tag(wrap_label=False),
            "id": box.id_for_label,
            "label": box.choice_label,
            "text": descriptions.get(str(box.data["value"]), ""),
        }
        for box in bound
    ]


@register.inclusion_tag("portal/field.html")
def field(
    bound: BoundField,
    *,
    label: str = "",
    hint: str | None = None,
    describedby: str = "",
    css: str = "",
    control: str = "",
    **attrs: Any,
) -> dict[str, Any]:
    """A form field as label, hint, control and errors: ``{% field form.subject describedby="subject-count" %}``.

    ``css`` adds classes to the wrapper and ``control`` to the control; other words become attributes of the control
    with hyphens for underscores, as in ``hx_post=address``.
    """
    widget = bound.field.widget
    hint = str(bound.help_text or "") if hint is None else hint
    bound.help_text = hint  # so that Django, too, describes the control by what is really there
    grouped_boxes = isinstance(widget, RadioSelect | CheckboxSelectMultiple)
    own_class = str(widget.attrs.get("class", ""))
    names = [_control_class(widget), *own_class.split(), *control.split(), "has-error" if bound.errors else ""]
    described = [
        f"{bound.auto_id}_helptext" if hint else "",
        f"{bound.auto_id}_error" if bound.errors else "",
        describedby,
    ]
    control_attrs: dict[str, Any] = {name.replace("_", "-"): value for name, value in attrs.items()}
    control_attrs["class"] = " ".join(dict.fromkeys(filter(None, names)))
    if any(described):
        control_attrs["aria-describedby"] = " ".join(filter(None, described))
    return {
        "bound": bound,
        "label": label or bound.label,
        "hint": hint,
        "css": css,
        "optional": not bound.field.required and not isinstance(widget, CheckboxInput),
        "boxes": _choices(bound) if grouped_boxes else None,
        "single_box": isinstance(widget, CheckboxInput),
        "file": isinstance(widget, FileInput),
        "control": "" if grouped_boxes else bound.as_widget(attrs=control_attrs),
        "described": " ".join(filter(None, described)),
    }


def _anchor(bound: BoundField) -> str:
    """The id of the control that an error leads to: the first button of a group."""
    if isinstance(bound.field.widget, RadioSelect | CheckboxSelectMultiple):
        return f"{bound.auto_id}_0"
    return bound.id_for_label or bound.auto_id


def _faults(form: BaseForm) -> list[dict[str, str]]:
    general = [{"anchor": "", "label": "", "text": str(text)} for text in form.non_field_errors()]
    return general + [
        {
            "anchor": "" if form[name].is_hidden else _anchor(form[name]),
            "label": str(form[name].label),
            "text": " ".join(map(str, texts)),
        }
        for name, texts in form.errors.items()
        if name in form.fields
    ]


@register.inclusion_tag("portal/error_summary.html")
def error_summary(*forms: BaseForm | BaseFormSet[Any]) -> dict[str, Any]:
    """What is to be corrected, with links to the fields; takes the focus. Several forms or formsets count as one."""
    faults: list[dict[str, str]] = []
    for form in forms:
        if isinstance(form, BaseFormSet):
            if form.is_bound:
                faults += [{"anchor": "", "label": "", "text": str(text)} for text in form.non_form_errors()]
            faults += [fault for one in form.forms for fault in _faults(one)]
        elif form:
            faults += _faults(form)
    return {"faults": faults, "sole": faults[0] if len(faults) == 1 else None}


# Where we are


@register.simple_block_tag(takes_context=True)
def breadcrumb(context: Context, content: str) -> SafeString:
    """The way to this page, from the desk on: ``{% breadcrumb %}{% crumb … %}{% endbreadcrumb %}``."""
    user = context.get("user")
    return format_html(
        '<nav class="breadcrumb-container" aria-label="{}"><ol class="breadcrumb">{}{}</ol></nav>',
        _("Percorso di navigazione"),
        crumb(_("Scrivania"), "desk") if user and user.is_authenticated else "",
        content,
    )


@register.simple_tag
def crumb(label: str, url_name: str = "", *args: Any) -> SafeString:
    """A step of the breadcrumb: a link with a url name, the page itself without."""
    if not url_name:
        return format_html('<li class="breadcrumb-item active" aria-current="page">{}</li>', label)
    return format_html(
        '<li class="breadcrumb-item"><a href="{}">{}</a><span class="separator">/</span></li>',
        reverse(url_name, args=args),
        label,
    )
