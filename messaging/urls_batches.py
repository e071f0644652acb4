"""The pages of the sendings from spreadsheets, until they are sent."""

from django.urls import URLPattern, path

from messaging.views import batch_check, batch_files, batch_preview, batch_rows, batch_upload

urlpatterns: list[URLPattern] = [
    path("sendings/new/", batch_upload.batch_new, name="batch_new"),
    path("sendings/example/<int:pk>/", batch_upload.batch_example, name="batch_example"),
    path("sendings/<uuid:public_id>/columns/", batch_upload.batch_columns, name="batch_columns"),
    path("sendings/<uuid:public_id>/check/", batch_check.batch_check, name="batch_check"),
    path("sendings/<uuid:public_id>/check/live/", batch_check.batch_check_live, name="batch_check_live"),
    path("sendings/<uuid:public_id>/check/preview/", batch_preview.batch_preview, name="batch_preview"),
    path("sendings/<uuid:public_id>/check/again/", batch_rows.batch_recheck, name="batch_recheck"),
    path("sendings/<uuid:public_id>/folder/", batch_check.batch_folder, name="batch_folder"),
    path(
        "sendings/<uuid:public_id>/files/<slug:which>/", batch_files.batch_files_download, name="batch_files_download"
    ),
    path("sendings/<uuid:public_id>/ask/", batch_check.batch_ask, name="batch_ask"),
    path("sendings/<uuid:public_id>/correct/", batch_rows.batch_correct, name="batch_correct"),
    path("sendings/<uuid:public_id>/exclude/", batch_rows.batch_exclude, name="batch_exclude"),
    path("sendings/<uuid:public_id>/include/", batch_rows.batch_include, name="batch_include"),
    path("sendings/<uuid:public_id>/split/", batch_rows.batch_split, name="batch_split"),
    path("sendings/<uuid:public_id>/rows/<slug:which>/", batch_rows.batch_rows_download, name="batch_rows_download"),
    path("sendings/<uuid:public_id>/send/", batch_check.batch_send, name="batch_send"),
    path("sendings/<uuid:public_id>/discard/", batch_check.batch_discard, name="batch_discard"),
]
