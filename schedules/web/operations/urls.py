"""The addresses of the page of operations."""

from django.urls import path

from schedules.web.operations.views import delivery_decision, operations

urlpatterns = [
    path("", operations, name="operations"),
    path("deliveries/<int:pk>/", delivery_decision, name="delivery-decision"),
]
