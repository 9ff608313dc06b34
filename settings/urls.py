"""The URLs of the web."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from web import metrics, probes, tokens
from web.api.application import urls as api_urls

urlpatterns = [
    path("admin/login/", tokens.login),
    path("admin/", admin.site.urls),
    path("api/", api_urls),
    path("books/", include("web.books.urls")),
    path("o/token/", tokens.Token.as_view(), name="token"),
    path("o/revoke_token/", tokens.Revoke.as_view(), name="revoke-token"),
    # A POST without the slash cannot be redirected without losing its body.
    path("o/token", tokens.Token.as_view()),
    path("o/revoke_token", tokens.Revoke.as_view()),
    path("healthz", probes.healthz),
    path("readyz", probes.readyz),
    path("metrics", metrics.view),
    path("", RedirectView.as_view(url="/admin/")),
]
