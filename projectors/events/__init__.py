"""How projectors read events: payloads with amounts in minor units, and the dates of an event."""
