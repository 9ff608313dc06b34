"""Why a figure is what it is: the terms that make it, the events behind each term, and its proof."""
