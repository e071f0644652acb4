"""Where IO fetches an institution's remote content: for its administrators."""

from django.urls import URLPattern, path

from messaging.views import remote_configuration as views

urlpatterns: list[URLPattern] = [
    path("remote-content/", views.remote_configurations, name="remote_configurations"),
    path("institutions/<int:pk>/remote-content/", views.remote_configuration, name="remote_configuration"),
    path("institutions/<int:pk>/remote-content/tell/", views.tell, name="remote_configuration_tell"),
    path("institutions/<int:pk>/remote-content/compare/", views.compare, name="remote_configuration_compare"),
    path("institutions/<int:pk>/remote-content/secrets/", views.rotate, name="remote_configuration_rotate"),
    path("institutions/<int:pk>/remote-content/key/", views.manage_key, name="remote_configuration_key"),
    path("institutions/<int:pk>/remote-content/keep/", views.keep, name="remote_configuration_keep"),
]
