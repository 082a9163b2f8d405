"""The addresses of facts, flags and the eligibility clock."""

from django.urls import path

from schedules.web.windows.day_facts import facts_of_day
from schedules.web.windows.eligibility import eligibility
from schedules.web.windows.facts import fact_correct, fact_new, fact_withdraw, facts, window_waive
from schedules.web.windows.flags import flag, flag_act, flags

PERSON = "participants/<int:pk>/"

urlpatterns = [
    path(f"{PERSON}facts/", facts, name="facts"),
    path(f"{PERSON}facts/day/", facts_of_day, name="facts-of-day"),
    path(f"{PERSON}facts/new/<slug:kind>/", fact_new, name="fact-new"),
    path(f"{PERSON}facts/<int:fact>/correct/", fact_correct, name="fact-correct"),
    path(f"{PERSON}facts/<int:fact>/withdraw/", fact_withdraw, name="fact-withdraw"),
    path(f"{PERSON}windows/<slug:window>/waive/", window_waive, name="window-waive"),
    path(f"{PERSON}eligibility/", eligibility, name="eligibility"),
    path("flags/", flags, name="flags"),
    path("flags/<int:pk>/", flag, name="flag"),
    path("flags/<int:pk>/<slug:act>/", flag_act, name="flag-act"),
]
