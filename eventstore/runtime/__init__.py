"""What a long-lived process needs: connections, outages, wake-ups, and an end when asked."""
