"""The log as a stream of NATS JetStream, for consumers on other machines."""
