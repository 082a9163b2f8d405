"""The addresses of roles, for those who administer."""

from django.urls import path

from trials.web.accounts.memberships import export, grant, memberships, withdrawal

urlpatterns = [
    path("", memberships, name="memberships"),
    path("grant/", grant, name="grant"),
    path("access.csv", export, name="memberships-export"),
    path("<int:pk>/withdraw/", withdrawal, name="withdraw"),
]
