"""The edge: who is let in how often, what is logged and measured of each request, and whether this server can work."""
