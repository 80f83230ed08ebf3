-- One role per service, owner of its own database, blind to the others. Run once by psql as superuser:
--   psql -v policy=… -v generation=… -v evaluation=… -v lineage=… -f roles.sql
CREATE ROLE moneyer_policy LOGIN PASSWORD :'policy';
CREATE ROLE moneyer_generation LOGIN PASSWORD :'generation';
CREATE ROLE moneyer_evaluation LOGIN PASSWORD :'evaluation';
CREATE ROLE moneyer_lineage LOGIN PASSWORD :'lineage';
CREATE DATABASE moneyer_policy OWNER moneyer_policy;
CREATE DATABASE moneyer_generation OWNER moneyer_generation;
CREATE DATABASE moneyer_evaluation OWNER moneyer_evaluation;
CREATE DATABASE moneyer_lineage OWNER moneyer_lineage;
REVOKE ALL ON DATABASE moneyer_policy, moneyer_generation, moneyer_evaluation, moneyer_lineage FROM PUBLIC;
