"""The parts of HTTP that all endpoints share: authentication, bodies, parameters, schemas, problems, waiting."""
