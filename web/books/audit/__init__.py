"""What an auditor takes away: lines of the trial balance explained, samples, and evidence."""
