#!/bin/sh
# The official image runs this once, when its data directory is new.
set -eu
psql -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" \
  -v policy="$POLICY_PASSWORD" -v generation="$GENERATION_PASSWORD" \
  -v evaluation="$EVALUATION_PASSWORD" -v lineage="$LINEAGE_PASSWORD" \
  -f /roles.sql
