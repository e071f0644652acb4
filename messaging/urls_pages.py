"""The pages that show what there is and what a person decides about it."""

from django.urls import URLPattern, URLResolver, path

from messaging.views import decisions, desk, messages, services, waiting

urlpatterns: list[URLPattern | URLResolver] = [
    path("", desk.desk, name="desk"),
    path("desk/running/", desk.desk_running, name="desk_running"),
    path("messages/", messages.message_list, name="message_list"),
    path("messages/search/", messages.message_search, name="message_search"),
    path("messages/<uuid:public_id>/", messages.message_detail, name="message_detail"),
    path("messages/<uuid:public_id>/live/", messages.message_live, name="message_live"),
    path("messages/<uuid:public_id>/approve/", decisions.message_approve, name="message_approve"),
    path("messages/<uuid:public_id>/send-back/", decisions.message_send_back, name="message_send_back"),
    path("messages/<uuid:public_id>/withdraw/", decisions.message_withdraw, name="message_withdraw"),
    path("messages/<uuid:public_id>/cancel/", decisions.message_cancel, name="message_cancel"),
    path("messages/<uuid:public_id>/resolve/", decisions.message_resolve, name="message_resolve"),
    path("messages/<uuid:public_id>/retry/", decisions.message_retry, name="message_retry"),
    path("messages/<uuid:public_id>/reopen/", decisions.message_reopen, name="message_reopen"),
    path("waiting/", waiting.waiting_list, name="waiting_list"),
    path("services/", services.service_list, name="service_list"),
    path("services/<slug:slug>/", services.service_detail, name="service_detail"),
    path("services/<slug:slug>/resume/<int:pk>/", services.service_resume, name="service_resume"),
    path("sending/release/", services.sending_release, name="sending_release"),
]
