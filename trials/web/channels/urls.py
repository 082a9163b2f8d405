"""The addresses of channels."""

from django.urls import path

from trials.web.channels.views import channel, channel_new, channel_test, channels

urlpatterns = [
    path("", channels, name="channels"),
    path("add/", channel_new, name="channel-new"),
    path("<int:pk>/", channel, name="channel"),
    path("<int:pk>/test/", channel_test, name="channel-test"),
]
