"""The service layer on real databases: commands, states, memberships, grants and the daily cycle."""
