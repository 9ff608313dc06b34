"""Users in the admin: a name must differ from others in more than case, and must not be one of the ledger's own."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse

from ledger import clients
from ledger.user_names import of_the_name

if TYPE_CHECKING:
    _UserForm = forms.ModelForm[User]
    _Change = UserChangeForm[User]
    _Creation = AdminUserCreationForm[User]
    _Admin = UserAdmin[User]
else:
    _UserForm, _Change, _Creation, _Admin = forms.ModelForm, UserChangeForm, AdminUserCreationForm, UserAdmin


class _NameForm(_UserForm):
    """Checks a name as `clients.create` does."""

    def clean_username(self) -> str:
        """Return the name; raises ValidationError if it is taken."""
        name: str = self.cleaned_data["username"]
        if of_the_name(User.objects.exclude(pk=self.instance.pk), name).exists():
            raise ValidationError("Another user has this name, perhaps in another case. Choose another name.")
        if "username" in self.changed_data and clients.is_reserved(name):
            raise ValidationError("The ledger itself records under this name. Choose another name.")
        return name


class _ChangeForm(_NameForm, _Change):
    pass


class _CreationForm(_NameForm, _Creation):
    pass


admin.site.unregister(User)


@admin.register(User)
class LedgerUserAdmin(_Admin):
    """Django's own, with names checked."""

    form: Any = _ChangeForm
    add_form: Any = _CreationForm

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the form, or save it; if another user took the name since it was checked, check it again and say so."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except IntegrityError:
            return super().changeform_view(request, *args, **kwargs)
