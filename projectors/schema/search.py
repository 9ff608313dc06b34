"""What people search by: the words of names, references and labels."""

from typing import ClassVar

from django.db import models

from eventstore.read_models.rows import ReadModelRow, key


class SearchWord(ReadModelRow):
    """A word by which something is found, with its whole name, reference or label."""

    class Kind(models.TextChoices):
        """What is found."""

        COMPANY = "company"
        PRODUCT = "product"
        ASSET = "asset"
        ACCOUNT = "account"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    uuid = models.UUIDField()
    word = models.CharField(max_length=200)
    text = models.CharField(max_length=200)

    class Meta:
        constraints: ClassVar = [key("search_word_key", "kind", "uuid", "word")]
        # With pattern operators, so that PostgreSQL finds beginnings of words under any collation.
        indexes: ClassVar = [
            models.Index(
                fields=["generation", "word", "kind"],
                name="search_word_beginning",
                opclasses=["int4_ops", "varchar_pattern_ops", "varchar_ops"],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.word}: {self.kind} {self.text}"
