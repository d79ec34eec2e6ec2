#!/bin/sh
# Runs once, when the database is made: the account that Grafana reads with. What it may read is
# said later, when the ledger is there: `docker compose exec historian refit ledger grant grafana`.
set -eu
psql --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --set ON_ERROR_STOP=1 \
    --set password="$(cat /run/secrets/postgres_grafana)" <<'SQL'
CREATE ROLE grafana LOGIN PASSWORD :'password';
SQL
