"""The tables of the edge, shared by all processes."""

from django.db import models


class Allowance(models.Model):
    """The moment until which a client's allowance is used up. A row whose moment is past may be deleted."""

    asker = models.CharField(max_length=200, primary_key=True)
    used_until = models.FloatField(help_text="Seconds since 1970.")

    class Meta:
        db_table = "web_allowance"
        verbose_name = "allowance"

    def __str__(self) -> str:
        return f"{self.asker} until {self.used_until}"
