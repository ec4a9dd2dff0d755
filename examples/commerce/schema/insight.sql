-- Metrics, reports over them, and what they suggest. Relations are declared in comments and not enforced.

CREATE TABLE suggestion (
  uid         text PRIMARY KEY CHECK (uid ~ '^sug_'),
  subject_uid text NOT NULL,
  kind        text NOT NULL CHECK (kind IN ('cross_sell', 'price', 'restock', 'content', 'merge')),
  title       text NOT NULL,
  score       numeric(6,4) NOT NULL CHECK (score BETWEEN 0 AND 1),
  payload     jsonb NOT NULL DEFAULT '{}',
  model       text NOT NULL,
  decide_ts   timestamptz,
  accepted    boolean,
  status      jsonb NOT NULL DEFAULT '{}',
  labels      jsonb NOT NULL DEFAULT '{}',
  annotations jsonb NOT NULL DEFAULT '{}',
  create_ts   timestamptz NOT NULL DEFAULT now(),
  update_ts   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX suggestion_subject_uid_kind_idx ON suggestion (subject_uid, kind);
CREATE INDEX suggestion_score_partial_idx ON suggestion (score DESC) WHERE decide_ts IS NULL;
CREATE INDEX suggestion_payload_idx ON suggestion USING gin (payload jsonb_path_ops);
CREATE INDEX suggestion_labels_idx ON suggestion USING gin (labels jsonb_path_ops);
COMMENT ON COLUMN suggestion.subject_uid IS 'refers to any record: its prefix says which';

CREATE TABLE combo_report (
  uid          text PRIMARY KEY CHECK (uid ~ '^cbr_'),
  name         text NOT NULL,
  period_start date NOT NULL,
  period_end   date NOT NULL,
  metric_uids  text[] NOT NULL DEFAULT '{}',
  dimensions   jsonb NOT NULL DEFAULT '[]',
  result       jsonb NOT NULL DEFAULT '{}',
  row_count    integer NOT NULL DEFAULT 0,
  compute_ts   timestamptz,
  status       jsonb NOT NULL DEFAULT '{}',
  labels       jsonb NOT NULL DEFAULT '{}',
  annotations  jsonb NOT NULL DEFAULT '{}',
  create_ts    timestamptz NOT NULL DEFAULT now(),
  update_ts    timestamptz NOT NULL DEFAULT now(),
  CHECK (period_end >= period_start)
);
CREATE INDEX combo_report_name_period_start_idx ON combo_report (name, period_start DESC);
CREATE INDEX combo_report_metric_uids_idx ON combo_report USING gin (metric_uids);
CREATE INDEX combo_report_create_ts_partial_idx ON combo_report (create_ts) WHERE compute_ts IS NULL;
CREATE INDEX combo_report_labels_idx ON combo_report USING gin (labels jsonb_path_ops);
COMMENT ON COLUMN combo_report.metric_uids IS 'refers to metric.uid, each element';
COMMENT ON TABLE combo_report IS 'Several metrics over one period, put side by side.';

CREATE TABLE metric (
  uid            text PRIMARY KEY CHECK (uid ~ '^met_'),
  name           text NOT NULL,
  unit           text NOT NULL,
  kind           text NOT NULL CHECK (kind IN ('counter', 'gauge', 'ratio', 'money')),
  subject_uid    text,
  iceberg_table  text NOT NULL,
  expression     text NOT NULL,
  retention_days integer NOT NULL DEFAULT 365 CHECK (retention_days > 0),
  last_value     numeric(20,6),
  last_ts        timestamptz,
  status         jsonb NOT NULL DEFAULT '{}',
  labels         jsonb NOT NULL DEFAULT '{}',
  annotations    jsonb NOT NULL DEFAULT '{}',
  create_ts      timestamptz NOT NULL DEFAULT now(),
  update_ts      timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX metric_name_subject_uid_idx ON metric (name, subject_uid);
CREATE INDEX metric_subject_uid_partial_idx ON metric (subject_uid) WHERE subject_uid IS NOT NULL;
CREATE INDEX metric_labels_idx ON metric USING gin (labels jsonb_path_ops);
COMMENT ON COLUMN metric.subject_uid IS 'refers to any record: its prefix says which';
COMMENT ON TABLE metric IS 'What is measured. The measurements themselves live in Iceberg tables.';
