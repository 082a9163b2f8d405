"""The addresses of accounts, for those who administer."""

from django.urls import path

from trials.web.accounts.people import correction, failures, opening, people, person

urlpatterns = [
    path("", people, name="people"),
    path("open/", opening, name="open-account"),
    path("failures/", failures, name="failed-sign-ins"),
    path("<int:pk>/", person, name="person"),
    path("<int:pk>/correct/", correction, name="correct-account"),
]
