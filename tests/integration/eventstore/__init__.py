"""Tests of the event store on real databases that are not part of its contract."""
