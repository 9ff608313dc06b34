"""Properties that hold for all input; hypothesis tests them without a database."""
