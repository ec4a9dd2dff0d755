-- Tags, files, texts and templates. Relations are declared in comments and not enforced.

CREATE TABLE tag (
  uid         text PRIMARY KEY CHECK (uid ~ '^tag_'),
  key         text NOT NULL,
  value       text NOT NULL,
  scope       text NOT NULL DEFAULT 'product',
  color       text,
  description text NOT NULL DEFAULT '',
  status      jsonb NOT NULL DEFAULT '{}',
  labels      jsonb NOT NULL DEFAULT '{}',
  annotations jsonb NOT NULL DEFAULT '{}',
  create_ts   timestamptz NOT NULL DEFAULT now(),
  update_ts   timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX tag_scope_key_value_idx ON tag (scope, key, value);
CREATE INDEX tag_labels_idx ON tag USING gin (labels jsonb_path_ops);

CREATE TABLE tag_assignment (
  uid         text PRIMARY KEY CHECK (uid ~ '^tga_'),
  tag_uid     text NOT NULL,
  target_uid  text NOT NULL,
  assigned_by text NOT NULL,
  status      jsonb NOT NULL DEFAULT '{}',
  labels      jsonb NOT NULL DEFAULT '{}',
  annotations jsonb NOT NULL DEFAULT '{}',
  create_ts   timestamptz NOT NULL DEFAULT now(),
  update_ts   timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX tag_assignment_tag_uid_target_uid_idx ON tag_assignment (tag_uid, target_uid);
CREATE INDEX tag_assignment_target_uid_idx ON tag_assignment (target_uid);
COMMENT ON COLUMN tag_assignment.tag_uid IS 'refers to tag.uid';
COMMENT ON COLUMN tag_assignment.target_uid IS 'refers to any record: its prefix says which';

CREATE TABLE asset (
  uid         text PRIMARY KEY CHECK (uid ~ '^ast_'),
  owner_uid   text,
  kind        text NOT NULL CHECK (kind IN ('image', 'video', 'model', 'file')),
  file_name   text NOT NULL,
  mime_type   text NOT NULL,
  size_bytes  bigint NOT NULL CHECK (size_bytes >= 0),
  checksum    text NOT NULL,
  storage_key text NOT NULL,
  width       integer,
  height      integer,
  alt_text    text,
  status      jsonb NOT NULL DEFAULT '{}',
  labels      jsonb NOT NULL DEFAULT '{}',
  annotations jsonb NOT NULL DEFAULT '{}',
  create_ts   timestamptz NOT NULL DEFAULT now(),
  update_ts   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX asset_owner_uid_idx ON asset (owner_uid);
CREATE UNIQUE INDEX asset_storage_key_idx ON asset (storage_key);
CREATE INDEX asset_checksum_idx ON asset (checksum);
CREATE INDEX asset_labels_idx ON asset USING gin (labels jsonb_path_ops);
COMMENT ON COLUMN asset.owner_uid IS 'refers to any record: its prefix says which';

CREATE TABLE document (
  uid          text PRIMARY KEY CHECK (uid ~ '^doc_'),
  template_uid text,
  subject_uid  text,
  kind         text NOT NULL CHECK (kind IN ('invoice', 'packing_slip', 'credit_note', 'certificate', 'manual')),
  title        text NOT NULL,
  language     text NOT NULL DEFAULT 'en',
  version      integer NOT NULL DEFAULT 1,
  asset_uid    text,
  content      jsonb NOT NULL DEFAULT '{}',
  issue_ts     timestamptz,
  status       jsonb NOT NULL DEFAULT '{}',
  labels       jsonb NOT NULL DEFAULT '{}',
  annotations  jsonb NOT NULL DEFAULT '{}',
  create_ts    timestamptz NOT NULL DEFAULT now(),
  update_ts    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX document_subject_uid_kind_idx ON document (subject_uid, kind);
CREATE INDEX document_template_uid_idx ON document (template_uid);
CREATE INDEX document_asset_uid_idx ON document (asset_uid);
CREATE INDEX document_content_idx ON document USING gin (content jsonb_path_ops);
CREATE INDEX document_labels_idx ON document USING gin (labels jsonb_path_ops);
COMMENT ON COLUMN document.template_uid IS 'refers to template.uid';
COMMENT ON COLUMN document.subject_uid IS 'refers to any record: its prefix says which';
COMMENT ON COLUMN document.asset_uid IS 'refers to asset.uid';

CREATE TABLE template (
  uid         text PRIMARY KEY CHECK (uid ~ '^tpl_'),
  name        text NOT NULL,
  kind        text NOT NULL CHECK (kind IN ('email', 'document', 'label', 'page')),
  language    text NOT NULL DEFAULT 'en',
  version     integer NOT NULL DEFAULT 1,
  body        text NOT NULL,
  parameters  jsonb NOT NULL DEFAULT '{}',
  retire_ts   timestamptz,
  status      jsonb NOT NULL DEFAULT '{}',
  labels      jsonb NOT NULL DEFAULT '{}',
  annotations jsonb NOT NULL DEFAULT '{}',
  create_ts   timestamptz NOT NULL DEFAULT now(),
  update_ts   timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX template_name_language_version_idx ON template (name, language, version);
CREATE INDEX template_kind_partial_idx ON template (kind) WHERE retire_ts IS NULL;
CREATE INDEX template_labels_idx ON template USING gin (labels jsonb_path_ops);
