"""How a consumer that is far behind the head gets there: ranges that are projected in sets, pages that are shared."""
