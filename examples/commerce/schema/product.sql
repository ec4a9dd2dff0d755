-- The catalogue. Relations are declared in comments and not enforced.

CREATE TABLE product (
  uid          text PRIMARY KEY CHECK (uid ~ '^prd_'),
  sku          text NOT NULL,
  name         text NOT NULL,
  slug         text NOT NULL,
  description  text NOT NULL DEFAULT '',
  kind         text NOT NULL DEFAULT 'physical' CHECK (kind IN ('physical', 'digital', 'bundle')),
  brand_uid    text,
  category_uid text,
  price_cents  bigint NOT NULL DEFAULT 0 CHECK (price_cents >= 0),
  currency     char(3) NOT NULL DEFAULT 'USD',
  weight_grams integer,
  attributes   jsonb NOT NULL DEFAULT '{}',
  publish_ts   timestamptz,
  archive_ts   timestamptz,
  status       jsonb NOT NULL DEFAULT '{}',
  labels       jsonb NOT NULL DEFAULT '{}',
  annotations  jsonb NOT NULL DEFAULT '{}',
  create_ts    timestamptz NOT NULL DEFAULT now(),
  update_ts    timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX product_sku_idx ON product (sku);
CREATE UNIQUE INDEX product_slug_partial_idx ON product (slug) WHERE archive_ts IS NULL;
CREATE INDEX product_category_uid_create_ts_idx ON product (category_uid, create_ts DESC);
CREATE INDEX product_brand_uid_idx ON product (brand_uid);
CREATE INDEX product_labels_idx ON product USING gin (labels jsonb_path_ops);
CREATE INDEX product_attributes_idx ON product USING gin (attributes);
CREATE INDEX product_publish_ts_partial_idx ON product (publish_ts) WHERE archive_ts IS NULL AND publish_ts IS NOT NULL;
COMMENT ON COLUMN product.brand_uid IS 'refers to brand.uid';
COMMENT ON COLUMN product.category_uid IS 'refers to category.uid';
COMMENT ON TABLE product IS 'What is sold. Archived products stay: orders refer to them.';

CREATE TABLE product_variant (
  uid           text PRIMARY KEY CHECK (uid ~ '^var_'),
  product_uid   text NOT NULL,
  sku           text NOT NULL,
  name          text NOT NULL,
  option_values jsonb NOT NULL DEFAULT '{}',
  price_cents   bigint NOT NULL DEFAULT 0 CHECK (price_cents >= 0),
  barcode       text,
  position      integer NOT NULL DEFAULT 0,
  status        jsonb NOT NULL DEFAULT '{}',
  labels        jsonb NOT NULL DEFAULT '{}',
  annotations   jsonb NOT NULL DEFAULT '{}',
  create_ts     timestamptz NOT NULL DEFAULT now(),
  update_ts     timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX product_variant_sku_idx ON product_variant (sku);
CREATE INDEX product_variant_product_uid_position_idx ON product_variant (product_uid, position);
CREATE INDEX product_variant_barcode_partial_idx ON product_variant (barcode) WHERE barcode IS NOT NULL;
CREATE INDEX product_variant_labels_idx ON product_variant USING gin (labels jsonb_path_ops);
COMMENT ON COLUMN product_variant.product_uid IS 'refers to product.uid';

CREATE TABLE brand (
  uid         text PRIMARY KEY CHECK (uid ~ '^brd_'),
  name        text NOT NULL,
  slug        text NOT NULL,
  website_url text,
  country     char(2),
  status      jsonb NOT NULL DEFAULT '{}',
  labels      jsonb NOT NULL DEFAULT '{}',
  annotations jsonb NOT NULL DEFAULT '{}',
  create_ts   timestamptz NOT NULL DEFAULT now(),
  update_ts   timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX brand_slug_idx ON brand (slug);
CREATE INDEX brand_labels_idx ON brand USING gin (labels jsonb_path_ops);

CREATE TABLE category (
  uid         text PRIMARY KEY CHECK (uid ~ '^cat_'),
  name        text NOT NULL,
  slug        text NOT NULL,
  parent_uid  text,
  path        text NOT NULL,
  position    integer NOT NULL DEFAULT 0,
  status      jsonb NOT NULL DEFAULT '{}',
  labels      jsonb NOT NULL DEFAULT '{}',
  annotations jsonb NOT NULL DEFAULT '{}',
  create_ts   timestamptz NOT NULL DEFAULT now(),
  update_ts   timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX category_slug_idx ON category (slug);
CREATE INDEX category_parent_uid_position_idx ON category (parent_uid, position);
CREATE INDEX category_path_idx ON category (path text_pattern_ops);
CREATE INDEX category_labels_idx ON category USING gin (labels jsonb_path_ops);
COMMENT ON COLUMN category.parent_uid IS 'refers to category.uid';

CREATE TABLE product_price (
  uid              text PRIMARY KEY CHECK (uid ~ '^prc_'),
  product_uid      text NOT NULL,
  currency         char(3) NOT NULL DEFAULT 'USD',
  amount_cents     bigint NOT NULL DEFAULT 0 CHECK (amount_cents >= 0),
  compare_at_cents bigint,
  from_ts          timestamptz NOT NULL,
  until_ts         timestamptz,
  status           jsonb NOT NULL DEFAULT '{}',
  labels           jsonb NOT NULL DEFAULT '{}',
  annotations      jsonb NOT NULL DEFAULT '{}',
  create_ts        timestamptz NOT NULL DEFAULT now(),
  update_ts        timestamptz NOT NULL DEFAULT now(),
  CHECK (until_ts IS NULL OR until_ts > from_ts)
);
CREATE INDEX product_price_product_uid_currency_from_ts_idx ON product_price (product_uid, currency, from_ts DESC);
CREATE INDEX product_price_product_uid_currency_partial_idx ON product_price (product_uid, currency) WHERE until_ts IS NULL;
COMMENT ON COLUMN product_price.product_uid IS 'refers to product.uid';

CREATE TABLE review (
  uid          text PRIMARY KEY CHECK (uid ~ '^rev_'),
  product_uid  text NOT NULL,
  customer_uid text NOT NULL,
  order_uid    text,
  rating       smallint NOT NULL CHECK (rating BETWEEN 1 AND 5),
  title        text NOT NULL,
  body         text NOT NULL DEFAULT '',
  publish_ts   timestamptz,
  status       jsonb NOT NULL DEFAULT '{}',
  labels       jsonb NOT NULL DEFAULT '{}',
  annotations  jsonb NOT NULL DEFAULT '{}',
  create_ts    timestamptz NOT NULL DEFAULT now(),
  update_ts    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX review_product_uid_publish_ts_partial_idx ON review (product_uid, publish_ts DESC) WHERE publish_ts IS NOT NULL;
CREATE INDEX review_customer_uid_idx ON review (customer_uid);
CREATE INDEX review_order_uid_idx ON review (order_uid);
COMMENT ON COLUMN review.product_uid IS 'refers to product.uid';
COMMENT ON COLUMN review.customer_uid IS 'refers to customer.uid';
COMMENT ON COLUMN review.order_uid IS 'refers to order_header.uid';
