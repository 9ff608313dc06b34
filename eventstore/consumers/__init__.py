"""What follows the log: process managers, projectors and relays, their checkpoints, their runners, their rebuilds."""
