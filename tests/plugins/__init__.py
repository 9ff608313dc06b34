"""The databases that the tests run on, each chosen with `pytest -p tests.plugins.<name>`."""
