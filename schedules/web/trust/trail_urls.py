"""The addresses of the audit trail."""

from django.urls import path

from schedules.web.trust.trail import (
    export,
    export_record,
    record,
    remark,
    review,
    trail,
)

urlpatterns = [
    path("", trail, name="trail"),
    path("trail.csv", export, name="trail-export"),
    path("review/", review, name="trail-review"),
    path("<str:kind>/<str:number>/", record, name="trail-record"),
    path("<str:kind>/<str:number>/comment/", remark, name="trail-remark"),
    path("<str:kind>/<str:number>/record.csv", export_record, name="trail-record-export"),
]
