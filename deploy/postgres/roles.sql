-- One role per service, owner of its own database, blind to the others. Run once by psql as superuser:
--   psql -v policy=… -v generation=… -v evaluation=… -v lineage=… -f roles.sql
CREATE ROLE mintmark_policy LOGIN PASSWORD :'policy';
CREATE ROLE mintmark_generation LOGIN PASSWORD :'generation';
CREATE ROLE mintmark_evaluation LOGIN PASSWORD :'evaluation';
CREATE ROLE mintmark_lineage LOGIN PASSWORD :'lineage';
CREATE DATABASE mintmark_policy OWNER mintmark_policy;
CREATE DATABASE mintmark_generation OWNER mintmark_generation;
CREATE DATABASE mintmark_evaluation OWNER mintmark_evaluation;
CREATE DATABASE mintmark_lineage OWNER mintmark_lineage;
REVOKE ALL ON DATABASE mintmark_policy, mintmark_generation, mintmark_evaluation, mintmark_lineage FROM PUBLIC;
