"""What all endpoints share: authentication, bodies, parameters, schemas, problems, waiting."""
