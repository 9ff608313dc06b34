"""A process that has loaded Django already and forks for each command, which saves a second each time."""
