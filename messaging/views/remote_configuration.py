"""The administrators' page of remote content: where IO fetches it, whether IO knows, how long contents are kept."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from messaging.forms.remote_configuration import ConfigurationForm, KeepForm, ManageKeyForm
from messaging.models import Institution, ManageKey, RemoteConfiguration, RemoteSecret, User
from messaging.permissions import administered_institutions, institution_or_404
from messaging.remote import configuration as remote
from messaging.remote import registration, retention, secrets
from messaging.remote.registration import CannotTell
from messaging.templatetags.portal import number
from messaging.views.common import person_of
from messaging.views.messages import say
from messaging.views.remote_configuration_words import line_of, trouble_words


@login_required
@require_safe
@never_cache
def remote_configurations(request: HttpRequest) -> HttpResponse:
    """The institutions of an administrator; of a single one its page at once."""
    institutions = list(administered_institutions(person_of(request)).order_by("name"))
    if not institutions:
        raise Http404
    if len(institutions) == 1:
        return redirect("remote_configuration", institutions[0].pk)
    known = {row.institution_id: row for row in RemoteConfiguration.objects.filter(institution__in=institutions)}
    rows = [{"institution": one, "state": _state(one, known.get(one.pk))} for one in institutions]
    return render(request, "messaging/remote_configurations.html", {"rows": rows})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def remote_configuration(request: HttpRequest, pk: int) -> HttpResponse:
    """What IO is to know of an institution; saved here and, once IO has it, told at once."""
    institution = institution_or_404(person_of(request), pk)
    if request.method != "POST":
        return _page(request, institution)
    form = ConfigurationForm(request.POST, institution=institution)
    if not form.is_valid():
        return _page(request, institution, form=form)
    configuration = remote.save(institution, form.wanted)
    _record(person_of(request), institution, _("Contenuto remoto: dati salvati."))
    if configuration.configuration_id and configuration.confirmed_at is None:
        return _tell(request, institution, configuration)
    say(request, _("Salvato.") if configuration.configuration_id else _("Salvato. Ora registralo su IO."))
    return redirect("remote_configuration", pk)


@login_required
@require_POST
def tell(request: HttpRequest, pk: int) -> HttpResponse:
    """Register the configuration on IO, or tell IO what has changed."""
    institution, configuration = _asked(request, pk)
    return _tell(request, institution, configuration, again="again" in request.POST)


@login_required
@require_POST
def compare(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask IO what it has, and show what is otherwise."""
    institution, configuration = _asked(request, pk)
    try:
        differences = registration.compare(configuration)
    except CannotTell as trouble:
        return _page(request, institution, trouble=trouble)
    if differences:
        return _page(request, institution, differences=[line_of(one) for one in differences])
    say(request, _("IO ha gli stessi dati."))
    return redirect("remote_configuration", pk)


@login_required
@require_POST
def rotate(request: HttpRequest, pk: int) -> HttpResponse:
    """Make new secrets and tell IO; whatever comes of it, the old ones go on being accepted as long as needed."""
    institution, configuration = _asked(request, pk)
    for environment in secrets.told(configuration):
        secrets.rotate(environment)
    _record(person_of(request), institution, _("Contenuto remoto: segreto cambiato."))
    if not configuration.configuration_id:
        say(request, _("Il segreto è nuovo. IO lo saprà con la registrazione."))
        return redirect("remote_configuration", pk)
    return _tell(request, institution, configuration)


@sensitive_post_parameters("secret")
@login_required
@require_POST
def manage_key(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep a new manage key."""
    person = person_of(request)
    institution = institution_or_404(person, pk)
    form = ManageKeyForm(request.POST)
    if not form.is_valid():
        return _page(request, institution, key_form=form)
    registration.store_manage_key(institution, form.cleaned_data["secret"])
    _record(person, institution, _("Chiave dell’ente cambiata."))
    say(request, _("La chiave dell’ente è salvata: da ora si vedono solo i suoi ultimi quattro caratteri."))
    return redirect("remote_configuration", pk)


@login_required
@require_POST
def keep(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep the rule of how long contents last; asks first where it would delete what citizens can still open."""
    person = person_of(request)
    institution = institution_or_404(person, pk)
    form = KeepForm(request.POST)
    if not form.is_valid():
        return _page(request, institution, keep_form=form)
    months = form.cleaned_data["months"]
    lost = retention.would_be_erased(institution, months, timezone.now()) if months else 0
    if lost and form.cleaned_data["confirmed"] != months:
        context = {"institution": institution, "months": months, "shown": _counted(lost)}
        return render(request, "messaging/remote_configuration_keep.html", context)
    Institution.objects.filter(pk=pk).update(remote_keep_months=months)
    _record(person, institution, _kept(months))
    say(request, _kept(months))
    return redirect("remote_configuration", pk)


# Talking to IO


def _tell(
    request: HttpRequest, institution: Institution, configuration: RemoteConfiguration, *, again: bool = False
) -> HttpResponse:
    try:
        registration.register(configuration, again=again)
    except CannotTell as trouble:
        return _page(request, institution, trouble=trouble)
    _record(person_of(request), institution, _("Contenuto remoto: detto a IO."))
    if configuration.confirmed_at is None:
        say(request, _("IO ha risposto di sì, ma intanto qualcuno ha cambiato i dati: dilli di nuovo."), good=False)
    else:
        say(request, _("Fatto: IO conosce questi dati."))
    return redirect("remote_configuration", institution.pk)


def _asked(request: HttpRequest, pk: int) -> tuple[Institution, RemoteConfiguration]:
    institution = institution_or_404(person_of(request), pk)
    configuration = _configuration_of(institution)
    if configuration is None:
        raise Http404
    return institution, configuration


def _configuration_of(institution: Institution) -> RemoteConfiguration | None:
    return RemoteConfiguration.objects.select_related("institution").filter(institution=institution).first()


# The page


def _page(
    request: HttpRequest,
    institution: Institution,
    *,
    form: ConfigurationForm | None = None,
    key_form: ManageKeyForm | None = None,
    keep_form: KeepForm | None = None,
    trouble: CannotTell | None = None,
    differences: list[Any] | None = None,
) -> HttpResponse:
    """The page of an institution, with what came of a button or the form that was filled in wrongly."""
    configuration = _configuration_of(institution)
    wrong = form or key_form or keep_form
    context = {
        "institution": institution,
        "configuration": configuration,
        "state": _state(institution, configuration),
        "key": ManageKey.objects.defer("secret").filter(institution=institution).first(),
        "form": form or ConfigurationForm(institution=institution),
        "key_form": key_form or ManageKeyForm(),
        "keep_form": keep_form or KeepForm(initial={"months": institution.remote_keep_months}),
        "wrong": wrong,
        "has_errors": bool(wrong or trouble),
        "trouble": trouble_words(trouble) if trouble else None,
        "differences": differences,
        "old_secrets": _old_secrets(configuration),
        "breadcrumb_list": administered_institutions(person_of(request)).count() > 1,
    }
    return render(request, "messaging/remote_configuration.html", context)


def _state(institution: Institution, configuration: RemoteConfiguration | None) -> str:
    """One of new (nothing saved), no_key, unregistered, known, changed."""
    if configuration is None:
        return "new"
    if not ManageKey.objects.filter(institution=institution).exists():
        return "no_key"
    if not configuration.configuration_id:
        return "unregistered"
    return "known" if configuration.confirmed_at else "changed"


def _old_secrets(configuration: RemoteConfiguration | None) -> dict[str, Any]:
    """Whether older secrets are still accepted, and until when: no time while IO has not confirmed a newer one."""
    if configuration is None:
        return {}
    now = timezone.now()
    rows: QuerySet[RemoteSecret] = RemoteSecret.objects.filter(
        secrets.is_accepted(now), environment__configuration=configuration, in_use=False
    )
    ends = list(rows.values_list("accepted_until", flat=True))
    if not ends:
        return {}
    return {"until": None if None in ends else max(end for end in ends if end)}


def _record(person: User, institution: Institution, text: str) -> None:
    """Keep who did what, where the administration shows the institution's history."""
    LogEntry.objects.log_actions(
        person.pk, Institution.objects.filter(pk=institution.pk), CHANGE, text, single_object=True
    )


def _counted(lost: int) -> str:
    if lost > retention.COUNTED:
        return _("più di %(n)s messaggi") % {"n": number(retention.COUNTED)}
    return ngettext("%(n)s messaggio", "%(n)s messaggi", lost) % {"n": number(lost)}


def _kept(months: int | None) -> str:
    if months is None:
        return _("Testi e allegati protetti si conservano per sempre.")
    return ngettext(
        "Testi e allegati protetti si conservano per %(n)s mese.",
        "Testi e allegati protetti si conservano per %(n)s mesi.",
        months,
    ) % {"n": number(months)}
