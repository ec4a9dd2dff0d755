-- Who buys. Relations are declared in comments and not enforced.

CREATE TABLE customer (
  uid                  text PRIMARY KEY CHECK (uid ~ '^cus_'),
  email                text NOT NULL,
  name                 text NOT NULL,
  phone                text,
  locale               text NOT NULL DEFAULT 'en-US',
  marketing_consent    boolean NOT NULL DEFAULT false,
  lifetime_value_cents bigint NOT NULL DEFAULT 0,
  last_order_ts        timestamptz,
  status               jsonb NOT NULL DEFAULT '{}',
  labels               jsonb NOT NULL DEFAULT '{}',
  annotations          jsonb NOT NULL DEFAULT '{}',
  create_ts            timestamptz NOT NULL DEFAULT now(),
  update_ts            timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX customer_lower_email_idx ON customer (lower(email));
CREATE INDEX customer_last_order_ts_idx ON customer (last_order_ts DESC);
CREATE INDEX customer_labels_idx ON customer USING gin (labels jsonb_path_ops);

CREATE TABLE address (
  uid          text PRIMARY KEY CHECK (uid ~ '^adr_'),
  customer_uid text NOT NULL,
  kind         text NOT NULL CHECK (kind IN ('shipping', 'billing')),
  name         text NOT NULL,
  line1        text NOT NULL,
  line2        text,
  city         text NOT NULL,
  region       text,
  postal_code  text NOT NULL,
  country      char(2) NOT NULL,
  is_default   boolean NOT NULL DEFAULT false,
  status       jsonb NOT NULL DEFAULT '{}',
  labels       jsonb NOT NULL DEFAULT '{}',
  annotations  jsonb NOT NULL DEFAULT '{}',
  create_ts    timestamptz NOT NULL DEFAULT now(),
  update_ts    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX address_customer_uid_idx ON address (customer_uid);
CREATE UNIQUE INDEX address_customer_uid_kind_partial_idx ON address (customer_uid, kind) WHERE is_default;
CREATE INDEX address_country_postal_code_idx ON address (country, postal_code);
COMMENT ON COLUMN address.customer_uid IS 'refers to customer.uid';
