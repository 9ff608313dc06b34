"""The settings, as every command reads them."""
