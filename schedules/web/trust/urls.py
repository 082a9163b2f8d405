"""The addresses of signing, of trials with their approvals and their end, and of consents."""

from django.urls import path

from schedules.web.trust.consents import consent, consent_correct, consent_new, consent_withdrawal, consents
from schedules.web.trust.signing import signing
from schedules.web.trust.trials import (
    approval_correct,
    approval_new,
    closing,
    consent_form_new,
    trial,
    trial_export,
    trials,
)

urlpatterns = [
    path("sign/<slug:kind>/<int:pk>/", signing, name="sign"),
    path("trials/", trials, name="trials"),
    path("trials/<int:pk>/", trial, name="trial"),
    path("trials/<int:pk>/export/", trial_export, name="trial-export"),
    path("trials/<int:pk>/consent-forms/new/", consent_form_new, name="consent-form-new"),
    path("trials/<int:pk>/approvals/<int:version>/<int:site>/", approval_new, name="approval-new"),
    path("trials/<int:pk>/<slug:deed>/", closing, name="trial-closing"),
    path("approvals/<int:pk>/", approval_correct, name="approval"),
    path("consents/", consents, name="consents"),
    path("participants/<int:pk>/consent/", consent, name="consent"),
    path("participants/<int:pk>/consent/new/", consent_new, name="consent-new"),
    path("participants/<int:pk>/consent/<int:consent>/", consent_correct, name="consent-correct"),
    path("participants/<int:pk>/consent/withdrawal/", consent_withdrawal, name="consent-withdrawal"),
]
