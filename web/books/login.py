"""Logging in to Books: anybody with an account, staff or not."""

from django.contrib.auth.views import LoginView, LogoutView


class LogIn(LoginView):
    """Asks for name and password; too many wrong ones lock the pair of name and address out for a while."""

    template_name = "books/login.html"
    next_page = "books:today"
    redirect_authenticated_user = True


class LogOut(LogoutView):
    """Ends the session."""

    next_page = "books:login"
