"""The web's addresses."""

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView
from oauth2_provider.views import RevokeTokenView, TokenView

from projectors.api import operations
from settings.api import api

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", api.urls),
    path("o/token/", TokenView.as_view(), name="token"),
    path("o/revoke_token/", RevokeTokenView.as_view(), name="revoke-token"),
    path("healthz", operations.healthz),
    path("readyz", operations.readyz),
    path("", RedirectView.as_view(url="/admin/")),
]
