"""What the edge remembers between requests and shares between processes."""

from django.db import models


class Allowance(models.Model):
    """Until when an asker has used up what it may; a row in the past means nothing and may be deleted."""

    asker = models.CharField(max_length=200, primary_key=True)
    used_until = models.FloatField(help_text="Seconds since 1970.")

    class Meta:
        db_table = "web_allowance"
        verbose_name = "allowance"

    def __str__(self) -> str:
        return f"{self.asker} until {self.used_until}"
