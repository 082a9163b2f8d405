"""The addresses of API clients, for those who administer."""

from django.urls import path

from trials.web.accounts.clients import client, clients, ending, new, rotation

urlpatterns = [
    path("", clients, name="api-clients"),
    path("new/", new, name="api-client-new"),
    path("<int:pk>/", client, name="api-client"),
    path("<int:pk>/rotate/", rotation, name="api-client-rotate"),
    path("<int:pk>/end/", ending, name="api-client-end"),
]
