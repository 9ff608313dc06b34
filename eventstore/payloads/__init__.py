"""Events as JSON: the registry of types, the codec that writes and reads payloads, and the upcasters of old ones."""
