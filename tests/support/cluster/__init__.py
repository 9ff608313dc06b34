"""A cluster that fails over, on one machine: three nodes of PostgreSQL and etcd, HAProxy, PgBouncer and Daybook."""
