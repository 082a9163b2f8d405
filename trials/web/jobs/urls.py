"""The addresses of long work in the background."""

from django.urls import path

from trials.web.jobs.views import job, job_file, jobs

urlpatterns = [
    path("", jobs, name="jobs"),
    path("<int:pk>/", job, name="job"),
    path("<int:pk>/file/", job_file, name="job-file"),
]
