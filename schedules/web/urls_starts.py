"""The addresses of what leads to day zero: readiness, the product, a search for a day, amendments."""

from django.urls import path

from schedules.web.amendments import amendment, amendment_new, amendment_retry, amendments
from schedules.web.day_zero import day_zero, day_zero_newcomer
from schedules.web.readiness import milestone_expected, milestone_new, milestone_undo, product, readiness

urlpatterns = [
    path("participants/<int:pk>/readiness/", readiness, name="readiness"),
    path("participants/<int:pk>/product/", product, name="product"),
    path("participants/<int:pk>/product/record/", milestone_new, name="milestone-new"),
    path("participants/<int:pk>/product/expect/", milestone_expected, name="milestone-expected"),
    path("milestones/<int:pk>/undo/", milestone_undo, name="milestone-undo"),
    path("participants/<int:pk>/day-zero/", day_zero, name="day-zero"),
    path("amendments/trial/<int:pk>/", amendments, name="amendments"),
    path("amendments/trial/<int:pk>/new/", amendment_new, name="amendment-new"),
    path("amendments/<int:pk>/", amendment, name="amendment"),
    path("amendments/<int:pk>/retry/", amendment_retry, name="amendment-retry"),
    path("day-zero/", day_zero_newcomer, name="day-zero-newcomer"),
]
