#!/bin/sh
# Run once by PostgreSQL's image, when it creates the database: the role that everything but migrations connects as.
# `manage.py create_database_roles` gives it its rights after each migration.
set -eu
psql --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --set ON_ERROR_STOP=1 --set password="$APP_PASSWORD" <<'SQL'
CREATE ROLE daybook_app LOGIN PASSWORD :'password';
SQL
