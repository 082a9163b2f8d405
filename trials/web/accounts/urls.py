"""The addresses of signing in and of one's own account; nobody signs up, so there is no page for it."""

from allauth.account import views
from allauth.socialaccount import views as single_sign_on
from django.urls import include, path, re_path
from django.views.generic import TemplateView

from trials.web.accounts.own_account import own_account, own_changes, sign_out, stop
from trials.web.shared.kept_forms import kept_form

set_by_link = TemplateView.as_view(template_name="account/password_set.html")

urlpatterns = [
    path("", own_account, name="account"),
    path("login/", views.login, name="login"),
    path("login/", views.login, name="account_login"),
    path("logout/", sign_out, name="logout"),
    path("logout/", sign_out, name="account_logout"),
    path("kept/", kept_form, name="kept-form"),
    path("changes/", own_changes, name="own-changes"),
    path("stop/<str:token>/", stop, name="stop-change"),
    path("inactive/", views.account_inactive, name="account_inactive"),
    path("reauthenticate/", views.reauthenticate, name="account_reauthenticate"),
    path("password/change/", views.password_change, name="account_change_password"),
    path("password/set/", set_by_link, name="account_set_password"),
    re_path(
        r"^password/link/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        views.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path(
        "password/link/done/", views.password_reset_from_key_done, name="account_reset_password_from_key_done"
    ),
    path("2fa/", include("allauth.mfa.urls")),
    path("sso/cancelled/", single_sign_on.login_cancelled, name="socialaccount_login_cancelled"),
    path("sso/error/", single_sign_on.login_error, name="socialaccount_login_error"),
    path("", include("allauth.socialaccount.providers.openid_connect.urls")),
]
