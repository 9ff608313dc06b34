"""What follows the log: process managers and projectors, their checkpoints, their runners, their rebuilds."""
