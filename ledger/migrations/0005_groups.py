"""Makes the groups that people are put into: viewer, operator, treasurer and administrator."""

from typing import Any

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations

_VIEW = ["view_ledger"]
_OPERATE = ["operate_consumers"]
_MONEY = [
    "fund_company",
    "fund_asset",
    "reverse_funding",
    "open_funding_account",
    "activate_funding_account",
    "close_funding_account",
    "pay_out_funds",
    "return_payout",
    "apply_payment",
    "reverse_payment",
    "waive_late_fee",
    "reverse_late_fee",
    "reverse_waiver",
    "write_off_product",
    "reverse_write_off",
    "record_recovery",
    "reverse_recovery",
    "grant_balances",
]
_TERMS = [
    "register_company",
    "rename_company",
    "register_asset",
    "revalue_asset",
    "create_deal",
    "update_deal",
    "activate_deal",
    "delete_deal",
    "originate_product",
]
GROUPS = {
    "viewer": _VIEW,
    "operator": _VIEW + _OPERATE,
    "treasurer": _VIEW + _MONEY,
    "administrator": _VIEW + _OPERATE + _MONEY + _TERMS,
}
_USERS = ["add_user", "change_user", "delete_user", "view_user", "view_group"]


def make_groups(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    if alias != "default":
        return
    for label in ("ledger", "auth"):
        # Django creates permissions after all migrations; these are needed now.
        config = installed.get_app_config(label)
        create_permissions(config, verbosity=0, using=alias)
    group, permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    of_ledger = permission.objects.using(alias).filter(content_type__app_label="ledger")
    of_users = permission.objects.using(alias).filter(content_type__app_label="auth", codename__in=_USERS)
    for name, codenames in GROUPS.items():
        made, _ = group.objects.using(alias).get_or_create(name=name)
        made.permissions.add(*of_ledger.filter(codename__in=codenames))
        if name == "administrator":
            made.permissions.add(*of_users)


class Migration(migrations.Migration):

    dependencies = [
        ("ledger", "0004_operators"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(make_groups, migrations.RunPython.noop)]
