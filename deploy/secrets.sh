#!/usr/bin/env bash
# Draws the passwords of the compose deployment, once, into the folder that docker-compose.yml reads.
set -euo pipefail
folder=${1:-.okr/secrets}
mkdir -p "$folder"
chmod 700 "$folder"
umask 077
draw() { head -c 24 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n'; }
# the folder is closed; the files are open, because other users read them inside the containers
keep() { [ -s "$folder/$1" ] || { printf '%s' "$2" >"$folder/$1"; chmod 444 "$folder/$1"; }; }
keep postgres_password "$(draw)"
keep postgres_admin "postgresql://postgres:$(cat "$folder/postgres_password")@postgres:5432/postgres"
keep grafana_password "$(draw)"
keep api_key "$(draw)" # whoever says it may change which version of a model serves
keep person_key "$(draw)" # hides people in what etl makes: keep it as long as the data
for role in okr_ingest_csv okr_ingest_api okr_etl okr_trainer okr_monitor okr_readonly; do
  keep "$role" "postgresql://$role:$(draw)@postgres:5432/"
done
