-- What lies where. Relations are declared in comments and not enforced.

CREATE TABLE warehouse (
  uid         text PRIMARY KEY CHECK (uid ~ '^whs_'),
  code        text NOT NULL,
  name        text NOT NULL,
  country     char(2) NOT NULL,
  city        text NOT NULL,
  postal_code text NOT NULL,
  is_active   boolean NOT NULL DEFAULT true,
  status      jsonb NOT NULL DEFAULT '{}',
  labels      jsonb NOT NULL DEFAULT '{}',
  annotations jsonb NOT NULL DEFAULT '{}',
  create_ts   timestamptz NOT NULL DEFAULT now(),
  update_ts   timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX warehouse_code_idx ON warehouse (code);
CREATE INDEX warehouse_labels_idx ON warehouse USING gin (labels jsonb_path_ops);

CREATE TABLE inventory_level (
  uid           text PRIMARY KEY CHECK (uid ~ '^inv_'),
  variant_uid   text NOT NULL,
  warehouse_uid text NOT NULL,
  on_hand       integer NOT NULL DEFAULT 0,
  reserved      integer NOT NULL DEFAULT 0 CHECK (reserved >= 0),
  reorder_point integer NOT NULL DEFAULT 0,
  count_ts      timestamptz,
  status        jsonb NOT NULL DEFAULT '{}',
  labels        jsonb NOT NULL DEFAULT '{}',
  annotations   jsonb NOT NULL DEFAULT '{}',
  create_ts     timestamptz NOT NULL DEFAULT now(),
  update_ts     timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX inventory_level_variant_uid_warehouse_uid_idx ON inventory_level (variant_uid, warehouse_uid);
CREATE INDEX inventory_level_warehouse_uid_idx ON inventory_level (warehouse_uid);
CREATE INDEX inventory_level_variant_uid_partial_idx ON inventory_level (variant_uid) WHERE on_hand <= reorder_point;
COMMENT ON COLUMN inventory_level.variant_uid IS 'refers to product_variant.uid';
COMMENT ON COLUMN inventory_level.warehouse_uid IS 'refers to warehouse.uid';
