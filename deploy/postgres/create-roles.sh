#!/bin/sh
# Creates the roles of Daybook's database, and gives the database to its owner. It can be run again, and then sets the
# passwords anew. compose's PostgreSQL runs it when it creates the database; elsewhere a superuser of PostgreSQL runs it.
#
#   POSTGRES_USER, POSTGRES_DB       the superuser to connect as, and the database, which must exist
#   OWNER_PASSWORD, APP_PASSWORD     what `daybook` (which migrates) and `daybook_app` (all other processes) log in with
#
# The owner gives the rights: `manage.py migrate` does so each time. Further variables of psql, such as PGHOST, apply.
set -eu
export POSTGRES_DB OWNER_PASSWORD APP_PASSWORD
psql --no-psqlrc --quiet --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --set ON_ERROR_STOP=1 <<'SQL'
-- From the environment, because every user of the machine can read the arguments of a command.
\getenv database POSTGRES_DB
\getenv owner_password OWNER_PASSWORD
\getenv app_password APP_PASSWORD
BEGIN;
SELECT format('CREATE ROLE %I', name)
FROM unnest(ARRAY['daybook', 'daybook_app', 'daybook_reader']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec
ALTER ROLE daybook LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'owner_password';
ALTER ROLE daybook_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'app_password';
ALTER DATABASE :"database" OWNER TO daybook;
-- Before PostgreSQL 15, everybody may create tables in this schema, and only its owner can change that.
ALTER SCHEMA public OWNER TO pg_database_owner;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
-- Nobody but the roles of Daybook connects.
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE :"database" TO daybook_app;
GRANT CONNECT ON DATABASE :"database" TO daybook_reader;
COMMIT;
SQL
