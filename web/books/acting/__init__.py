"""The pages on which people record commands by hand: a form, a preview, and what was recorded."""
