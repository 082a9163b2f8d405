"""The addresses of what leads to day zero: readiness, the product, gates, a search for a day."""

from django.urls import path

from schedules.web.readiness.board import board, boards, review, review_correct
from schedules.web.readiness.day_zero_search import day_zero, day_zero_newcomer
from schedules.web.readiness.views import (
    milestone_expected,
    milestone_new,
    milestone_undo,
    product,
    readiness,
)

urlpatterns = [
    path("participants/<int:pk>/readiness/", readiness, name="readiness"),
    path("participants/<int:pk>/product/", product, name="product"),
    path("participants/<int:pk>/product/record/", milestone_new, name="milestone-new"),
    path("participants/<int:pk>/product/expect/", milestone_expected, name="milestone-expected"),
    path("milestones/<int:pk>/undo/", milestone_undo, name="milestone-undo"),
    path("participants/<int:pk>/day-zero/", day_zero, name="day-zero"),
    path("day-zero/", day_zero_newcomer, name="day-zero-newcomer"),
    path("board/", boards, name="boards"),
    path("board/<str:trial>/", board, name="board"),
    path("board/<str:trial>/reviews/<int:review>/", review_correct, name="safety-review-correct"),
    path("board/<str:trial>/review/", review, name="trial-safety-review"),
    path("board/<str:trial>/review/<str:level>/", review, name="safety-review"),
]
