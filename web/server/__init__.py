"""What stands between gunicorn and Django: sockets, the bodies of requests in chunks, and the counts of workers."""
