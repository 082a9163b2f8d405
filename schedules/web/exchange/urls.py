"""The addresses of differences between EDCs and Dayzero, of maps, and of webhooks."""

from django.urls import path

from schedules.web.exchange.differences import difference_keep, difference_take, differences
from schedules.web.exchange.maps import edc_map_page, edc_maps
from schedules.web.exchange.webhooks import (
    webhook,
    webhook_act,
    webhook_new,
    webhook_rotate,
    webhooks,
)

urlpatterns = [
    path("trials/<int:pk>/edc-maps/", edc_maps, name="edc-maps"),
    path("trials/<int:pk>/edc-maps/<str:edc>/<str:environment>/", edc_map_page, name="edc-map"),
    path("differences/", differences, name="differences"),
    path("differences/<int:pk>/take/", difference_take, name="difference-take"),
    path("differences/<int:pk>/keep/", difference_keep, name="difference-keep"),
    path("clients/<int:pk>/webhooks/", webhooks, name="webhooks"),
    path("clients/<int:pk>/webhooks/new/", webhook_new, name="webhook-new"),
    path("webhooks/<int:pk>/", webhook, name="webhook"),
    path("webhooks/<int:pk>/act/", webhook_act, name="webhook-act"),
    path("webhooks/<int:pk>/rotate/", webhook_rotate, name="webhook-rotate"),
]
