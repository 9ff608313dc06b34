"""Queries of the read models; each answers from the generation that the projector's checkpoint names."""
