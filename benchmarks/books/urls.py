"""The addresses of the web, and `/bare`, which sends `SELECT 1` and answers."""

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path

from settings.urls import urlpatterns as ours


def bare(_request: HttpRequest) -> HttpResponse:
    """Answer after one statement, as the least that a page can cost."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("1")


urlpatterns = [path("bare", bare), *ours]
