"""The pages of the sendings from spreadsheets, from the moment they are sent."""

from django.urls import URLPattern, path

from messaging.views import batch_decisions, batch_errata, batch_list, batch_progress, batch_report

urlpatterns: list[URLPattern] = [
    path("sendings/", batch_list.batch_list, name="batch_list"),
    path("sendings/<uuid:public_id>/", batch_progress.batch_detail, name="batch_detail"),
    path("sendings/<uuid:public_id>/live/", batch_progress.batch_live, name="batch_live"),
    path("sendings/<uuid:public_id>/search/", batch_progress.batch_search, name="batch_search"),
    path("sendings/<uuid:public_id>/report/", batch_report.batch_report, name="batch_report"),
    path("sendings/<uuid:public_id>/pause/", batch_decisions.batch_pause, name="batch_pause"),
    path("sendings/<uuid:public_id>/resume/", batch_decisions.batch_resume, name="batch_resume"),
    path("sendings/<uuid:public_id>/cancel/", batch_decisions.batch_cancel, name="batch_cancel"),
    path("sendings/<uuid:public_id>/approve/", batch_decisions.batch_approve, name="batch_approve"),
    path("sendings/<uuid:public_id>/send-back/", batch_decisions.batch_send_back, name="batch_send_back"),
    path("sendings/<uuid:public_id>/withdraw/", batch_decisions.batch_withdraw, name="batch_withdraw"),
    path("sendings/<uuid:public_id>/correction/", batch_errata.batch_errata, name="batch_errata"),
]
