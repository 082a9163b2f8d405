"""The addresses of differences between EDCs and Dayzero."""

from django.urls import path

from schedules.web.exchange.differences import difference_keep, difference_take, differences

urlpatterns = [
    path("differences/", differences, name="differences"),
    path("differences/<int:pk>/take/", difference_take, name="difference-take"),
    path("differences/<int:pk>/keep/", difference_keep, name="difference-keep"),
]
