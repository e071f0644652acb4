"""The pages on which messages and templates are written."""

from django.urls import URLPattern, path

from messaging.views import attachments, check, compose, preview, remote_correction, templates

urlpatterns: list[URLPattern] = [
    path("messages/new/", compose.message_new, name="message_new"),
    path("messages/<uuid:public_id>/edit/", compose.message_edit, name="message_edit"),
    path("messages/<uuid:public_id>/preview/", preview.message_preview, name="message_preview"),
    path("messages/<uuid:public_id>/reachability/", compose.message_reachability, name="message_reachability"),
    path("messages/<uuid:public_id>/check/", check.message_check, name="message_check"),
    path("messages/<uuid:public_id>/send/", check.message_send, name="message_send"),
    path("messages/<uuid:public_id>/send-to-me/", check.message_send_to_me, name="message_send_to_me"),
    path("messages/<uuid:public_id>/delete/", compose.message_delete, name="message_delete"),
    path(
        "messages/<uuid:public_id>/attachments/<uuid:attachment>/", attachments.attachment_open, name="attachment_open"
    ),
    path("messages/<uuid:public_id>/correct/", remote_correction.message_remote_correct, name="message_remote_correct"),
    path(
        "messages/<uuid:public_id>/correct/preview/",
        remote_correction.message_remote_preview,
        name="message_remote_preview",
    ),
    path("templates/", templates.template_list, name="template_list"),
    path("templates/new/", templates.template_new, name="template_new"),
    path("templates/preview/", templates.template_preview, name="template_preview"),
    path("templates/<int:pk>/", templates.template_edit, name="template_edit"),
    path("templates/<int:pk>/delete/", templates.template_delete, name="template_delete"),
]
