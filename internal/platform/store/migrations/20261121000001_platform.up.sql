-- One text for SQLite and PostgreSQL: SQLite takes any type name, and stores
-- what these columns hold without changing it.
CREATE TABLE organizations (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  created_at TIMESTAMPTZ NOT NULL,
  updated_at TIMESTAMPTZ NOT NULL
);
--bun:split
CREATE TABLE databases (
  id TEXT PRIMARY KEY,
  organization_id TEXT NOT NULL REFERENCES organizations (id),
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  notes TEXT NOT NULL,
  state TEXT NOT NULL,
  default_branch TEXT NOT NULL,
  next_number BIGINT NOT NULL,
  require_approval BOOLEAN NOT NULL,
  foreign_keys BOOLEAN NOT NULL,
  allow_data_branching BOOLEAN NOT NULL,
  restrict_region BOOLEAN NOT NULL,
  insights_raw_queries BOOLEAN NOT NULL,
  web_console BOOLEAN NOT NULL,
  automatic_migrations BOOLEAN NOT NULL,
  migration_table TEXT NOT NULL,
  migration_framework TEXT NOT NULL,
  deletion_protected BOOLEAN NOT NULL,
  auto_cutover BOOLEAN NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  updated_at TIMESTAMPTZ NOT NULL,
  UNIQUE (organization_id, name)
);
--bun:split
CREATE TABLE branches (
  id TEXT PRIMARY KEY,
  database_id TEXT NOT NULL REFERENCES databases (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  parent_id TEXT NOT NULL,
  parent TEXT NOT NULL,
  production BOOLEAN NOT NULL,
  safe_migrations BOOLEAN NOT NULL,
  state TEXT NOT NULL,
  failure TEXT NOT NULL,
  with_data BOOLEAN NOT NULL,
  actor TEXT NOT NULL,
  ancestor TEXT NOT NULL,
  attached TEXT,
  created_at TIMESTAMPTZ NOT NULL,
  updated_at TIMESTAMPTZ NOT NULL,
  schema_changed_at TIMESTAMPTZ,
  UNIQUE (database_id, name)
);
--bun:split
CREATE TABLE keyspaces (
  id TEXT PRIMARY KEY,
  branch_id TEXT NOT NULL REFERENCES branches (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  position BIGINT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  updated_at TIMESTAMPTZ NOT NULL,
  UNIQUE (branch_id, name)
);
--bun:split
CREATE TABLE passwords (
  id TEXT PRIMARY KEY,
  branch_id TEXT NOT NULL REFERENCES branches (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  role TEXT NOT NULL,
  username TEXT NOT NULL UNIQUE,
  native_hash BYTEA NOT NULL,
  sha256_hash BYTEA NOT NULL,
  replica BOOLEAN NOT NULL,
  cidrs TEXT,
  keyspace TEXT NOT NULL,
  pool_size BIGINT NOT NULL,
  binding TEXT NOT NULL,
  ttl BIGINT NOT NULL,
  actor TEXT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  expires_at TIMESTAMPTZ
);
--bun:split
CREATE TABLE postgres_roles (
  id TEXT PRIMARY KEY,
  branch_id TEXT NOT NULL REFERENCES branches (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  username TEXT NOT NULL,
  scram TEXT NOT NULL,
  inherited TEXT,
  replication BOOLEAN NOT NULL,
  pool_size BIGINT NOT NULL,
  binding TEXT NOT NULL,
  ttl BIGINT NOT NULL,
  actor TEXT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  updated_at TIMESTAMPTZ NOT NULL,
  expires_at TIMESTAMPTZ,
  UNIQUE (branch_id, username)
);
--bun:split
CREATE TABLE service_tokens (
  id TEXT PRIMARY KEY,
  organization_id TEXT NOT NULL REFERENCES organizations (id),
  name TEXT NOT NULL,
  hash BYTEA NOT NULL,
  accesses TEXT,
  operator BOOLEAN NOT NULL,
  ttl BIGINT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  expires_at TIMESTAMPTZ
);
--bun:split
CREATE TABLE deployments (
  id TEXT PRIMARY KEY,
  database_id TEXT NOT NULL REFERENCES databases (id) ON DELETE CASCADE,
  number BIGINT NOT NULL,
  head_id TEXT NOT NULL,
  into_id TEXT NOT NULL,
  into_branch TEXT NOT NULL,
  state TEXT NOT NULL,
  auto_cutover BOOLEAN NOT NULL,
  auto_delete_branch BOOLEAN NOT NULL,
  instant_ddl BOOLEAN NOT NULL,
  instant_eligible BOOLEAN NOT NULL,
  plan TEXT NOT NULL,
  original TEXT NOT NULL,
  head TEXT NOT NULL,
  ancestor TEXT NOT NULL,
  lint_errors TEXT,
  check_errors TEXT NOT NULL,
  failure TEXT NOT NULL,
  cutover_asked BOOLEAN NOT NULL,
  cancel_asked BOOLEAN NOT NULL,
  skip_revert_asked BOOLEAN NOT NULL,
  actor TEXT NOT NULL,
  cutover_actor TEXT,
  cancelled_actor TEXT,
  created_at TIMESTAMPTZ NOT NULL,
  updated_at TIMESTAMPTZ NOT NULL,
  queued_at TIMESTAMPTZ,
  submitted_at TIMESTAMPTZ,
  started_at TIMESTAMPTZ,
  ready_at TIMESTAMPTZ,
  cutover_at TIMESTAMPTZ,
  finished_at TIMESTAMPTZ,
  revert_expires_at TIMESTAMPTZ
);
--bun:split
CREATE INDEX deployments_by_queue ON deployments (database_id, state, queued_at);
--bun:split
CREATE TABLE operations (
  id TEXT PRIMARY KEY,
  deployment_id TEXT NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
  position BIGINT NOT NULL,
  state TEXT NOT NULL,
  change TEXT NOT NULL,
  progress BIGINT NOT NULL,
  failure TEXT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  updated_at TIMESTAMPTZ NOT NULL,
  UNIQUE (deployment_id, position)
);
--bun:split
CREATE TABLE deploy_requests (
  id TEXT PRIMARY KEY,
  database_id TEXT NOT NULL REFERENCES databases (id) ON DELETE CASCADE,
  number BIGINT NOT NULL,
  head_id TEXT NOT NULL,
  branch TEXT NOT NULL,
  into_id TEXT NOT NULL,
  into_branch TEXT NOT NULL,
  notes TEXT NOT NULL,
  state TEXT NOT NULL,
  approved BOOLEAN NOT NULL,
  deployment_id TEXT NOT NULL UNIQUE REFERENCES deployments (id) ON DELETE CASCADE,
  head_hash TEXT NOT NULL,
  into_hash TEXT NOT NULL,
  actor TEXT NOT NULL,
  closed_by TEXT,
  branch_deleted_by TEXT,
  branch_deleted_at TIMESTAMPTZ,
  created_at TIMESTAMPTZ NOT NULL,
  updated_at TIMESTAMPTZ NOT NULL,
  closed_at TIMESTAMPTZ,
  deployed_at TIMESTAMPTZ,
  UNIQUE (database_id, number)
);
--bun:split
CREATE TABLE reviews (
  id TEXT PRIMARY KEY,
  deploy_request_id TEXT NOT NULL REFERENCES deploy_requests (id) ON DELETE CASCADE,
  state TEXT NOT NULL,
  body TEXT NOT NULL,
  actor TEXT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  updated_at TIMESTAMPTZ NOT NULL
);
--bun:split
CREATE TABLE audit_events (
  id TEXT PRIMARY KEY,
  position BIGINT NOT NULL,
  organization_id TEXT NOT NULL REFERENCES organizations (id),
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  target_type TEXT NOT NULL,
  target_id TEXT NOT NULL,
  target_name TEXT NOT NULL,
  metadata TEXT,
  created_at TIMESTAMPTZ NOT NULL
);
--bun:split
CREATE INDEX audit_events_by_position ON audit_events (organization_id, position);
