-- Orders and all that follows from them. Relations are declared in comments and not enforced.

CREATE TABLE order_header (
  uid                  text PRIMARY KEY CHECK (uid ~ '^ord_'),
  number               text NOT NULL,
  customer_uid         text NOT NULL,
  shipping_address_uid text,
  billing_address_uid  text,
  promotion_uid        text,
  state                text NOT NULL DEFAULT 'placed' CHECK (state IN ('draft', 'placed', 'paid', 'shipped', 'delivered', 'cancelled', 'returned')),
  channel              text NOT NULL DEFAULT 'web',
  currency             char(3) NOT NULL DEFAULT 'USD',
  subtotal_cents       bigint NOT NULL DEFAULT 0,
  discount_cents       bigint NOT NULL DEFAULT 0,
  shipping_cents       bigint NOT NULL DEFAULT 0,
  tax_cents            bigint NOT NULL DEFAULT 0,
  total_cents          bigint NOT NULL DEFAULT 0,
  place_ts             timestamptz,
  status               jsonb NOT NULL DEFAULT '{}',
  labels               jsonb NOT NULL DEFAULT '{}',
  annotations          jsonb NOT NULL DEFAULT '{}',
  create_ts            timestamptz NOT NULL DEFAULT now(),
  update_ts            timestamptz NOT NULL DEFAULT now(),
  CHECK (total_cents = subtotal_cents - discount_cents + shipping_cents + tax_cents)
);
CREATE UNIQUE INDEX order_header_number_idx ON order_header (number);
CREATE INDEX order_header_customer_uid_create_ts_idx ON order_header (customer_uid, create_ts DESC);
CREATE INDEX order_header_state_create_ts_idx ON order_header (state, create_ts DESC);
CREATE INDEX order_header_place_ts_partial_idx ON order_header (place_ts) WHERE state IN ('placed', 'paid');
CREATE INDEX order_header_shipping_address_uid_idx ON order_header (shipping_address_uid);
CREATE INDEX order_header_billing_address_uid_idx ON order_header (billing_address_uid);
CREATE INDEX order_header_promotion_uid_partial_idx ON order_header (promotion_uid) WHERE promotion_uid IS NOT NULL;
CREATE INDEX order_header_labels_idx ON order_header USING gin (labels jsonb_path_ops);
CREATE INDEX order_header_status_idx ON order_header USING gin (status jsonb_path_ops);
COMMENT ON COLUMN order_header.customer_uid IS 'refers to customer.uid';
COMMENT ON COLUMN order_header.shipping_address_uid IS 'refers to address.uid';
COMMENT ON COLUMN order_header.billing_address_uid IS 'refers to address.uid';
COMMENT ON COLUMN order_header.promotion_uid IS 'refers to promotion.uid';
COMMENT ON TABLE order_header IS 'One order. Its lines, payments and shipments refer to it.';

CREATE TABLE order_line (
  uid              text PRIMARY KEY CHECK (uid ~ '^oln_'),
  order_uid        text NOT NULL,
  product_uid      text NOT NULL,
  variant_uid      text,
  position         integer NOT NULL,
  name             text NOT NULL,
  quantity         integer NOT NULL CHECK (quantity > 0),
  unit_price_cents bigint NOT NULL DEFAULT 0,
  discount_cents   bigint NOT NULL DEFAULT 0,
  tax_cents        bigint NOT NULL DEFAULT 0,
  total_cents      bigint NOT NULL DEFAULT 0,
  status           jsonb NOT NULL DEFAULT '{}',
  labels           jsonb NOT NULL DEFAULT '{}',
  annotations      jsonb NOT NULL DEFAULT '{}',
  create_ts        timestamptz NOT NULL DEFAULT now(),
  update_ts        timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX order_line_order_uid_position_idx ON order_line (order_uid, position);
CREATE INDEX order_line_product_uid_create_ts_idx ON order_line (product_uid, create_ts DESC);
CREATE INDEX order_line_variant_uid_idx ON order_line (variant_uid);
COMMENT ON COLUMN order_line.order_uid IS 'refers to order_header.uid';
COMMENT ON COLUMN order_line.product_uid IS 'refers to product.uid';
COMMENT ON COLUMN order_line.variant_uid IS 'refers to product_variant.uid';

CREATE TABLE payment (
  uid          text PRIMARY KEY CHECK (uid ~ '^pay_'),
  order_uid    text NOT NULL,
  provider     text NOT NULL,
  provider_ref text NOT NULL,
  method       text NOT NULL CHECK (method IN ('card', 'wallet', 'bank_transfer', 'invoice')),
  state        text NOT NULL DEFAULT 'authorized' CHECK (state IN ('authorized', 'captured', 'failed', 'voided', 'refunded')),
  amount_cents bigint NOT NULL DEFAULT 0 CHECK (amount_cents > 0),
  currency     char(3) NOT NULL DEFAULT 'USD',
  capture_ts   timestamptz,
  status       jsonb NOT NULL DEFAULT '{}',
  labels       jsonb NOT NULL DEFAULT '{}',
  annotations  jsonb NOT NULL DEFAULT '{}',
  create_ts    timestamptz NOT NULL DEFAULT now(),
  update_ts    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX payment_order_uid_idx ON payment (order_uid);
CREATE UNIQUE INDEX payment_provider_provider_ref_idx ON payment (provider, provider_ref);
CREATE INDEX payment_create_ts_partial_idx ON payment (create_ts) WHERE state = 'authorized';
COMMENT ON COLUMN payment.order_uid IS 'refers to order_header.uid';

CREATE TABLE refund (
  uid          text PRIMARY KEY CHECK (uid ~ '^rfd_'),
  payment_uid  text NOT NULL,
  order_uid    text NOT NULL,
  amount_cents bigint NOT NULL DEFAULT 0 CHECK (amount_cents > 0),
  reason       text NOT NULL,
  provider_ref text,
  complete_ts  timestamptz,
  status       jsonb NOT NULL DEFAULT '{}',
  labels       jsonb NOT NULL DEFAULT '{}',
  annotations  jsonb NOT NULL DEFAULT '{}',
  create_ts    timestamptz NOT NULL DEFAULT now(),
  update_ts    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX refund_payment_uid_idx ON refund (payment_uid);
CREATE INDEX refund_order_uid_idx ON refund (order_uid);
CREATE INDEX refund_create_ts_partial_idx ON refund (create_ts) WHERE complete_ts IS NULL;
COMMENT ON COLUMN refund.payment_uid IS 'refers to payment.uid';
COMMENT ON COLUMN refund.order_uid IS 'refers to order_header.uid';

CREATE TABLE shipment (
  uid             text PRIMARY KEY CHECK (uid ~ '^shp_'),
  order_uid       text NOT NULL,
  warehouse_uid   text NOT NULL,
  carrier         text NOT NULL,
  service         text NOT NULL,
  tracking_number text,
  weight_grams    integer,
  cost_cents      bigint NOT NULL DEFAULT 0,
  ship_ts         timestamptz,
  deliver_ts      timestamptz,
  status          jsonb NOT NULL DEFAULT '{}',
  labels          jsonb NOT NULL DEFAULT '{}',
  annotations     jsonb NOT NULL DEFAULT '{}',
  create_ts       timestamptz NOT NULL DEFAULT now(),
  update_ts       timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX shipment_order_uid_idx ON shipment (order_uid);
CREATE INDEX shipment_warehouse_uid_ship_ts_idx ON shipment (warehouse_uid, ship_ts);
CREATE INDEX shipment_tracking_number_partial_idx ON shipment (tracking_number) WHERE tracking_number IS NOT NULL;
COMMENT ON COLUMN shipment.order_uid IS 'refers to order_header.uid';
COMMENT ON COLUMN shipment.warehouse_uid IS 'refers to warehouse.uid';

CREATE TABLE shipment_line (
  uid            text PRIMARY KEY CHECK (uid ~ '^shl_'),
  shipment_uid   text NOT NULL,
  order_line_uid text NOT NULL,
  quantity       integer NOT NULL CHECK (quantity > 0),
  status         jsonb NOT NULL DEFAULT '{}',
  labels         jsonb NOT NULL DEFAULT '{}',
  annotations    jsonb NOT NULL DEFAULT '{}',
  create_ts      timestamptz NOT NULL DEFAULT now(),
  update_ts      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX shipment_line_shipment_uid_idx ON shipment_line (shipment_uid);
CREATE INDEX shipment_line_order_line_uid_idx ON shipment_line (order_line_uid);
COMMENT ON COLUMN shipment_line.shipment_uid IS 'refers to shipment.uid';
COMMENT ON COLUMN shipment_line.order_line_uid IS 'refers to order_line.uid';

CREATE TABLE promotion (
  uid              text PRIMARY KEY CHECK (uid ~ '^pro_'),
  code             text NOT NULL,
  name             text NOT NULL,
  kind             text NOT NULL CHECK (kind IN ('percent', 'fixed', 'free_shipping')),
  percent_off      numeric(5,2),
  amount_off_cents bigint,
  rules            jsonb NOT NULL DEFAULT '{}',
  usage_limit      integer,
  usage_count      integer NOT NULL DEFAULT 0,
  from_ts          timestamptz NOT NULL,
  until_ts         timestamptz,
  status           jsonb NOT NULL DEFAULT '{}',
  labels           jsonb NOT NULL DEFAULT '{}',
  annotations      jsonb NOT NULL DEFAULT '{}',
  create_ts        timestamptz NOT NULL DEFAULT now(),
  update_ts        timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX promotion_code_idx ON promotion (code);
CREATE INDEX promotion_until_ts_from_ts_idx ON promotion (until_ts, from_ts);
CREATE INDEX promotion_labels_idx ON promotion USING gin (labels jsonb_path_ops);

CREATE TABLE cart (
  uid            text PRIMARY KEY CHECK (uid ~ '^crt_'),
  customer_uid   text,
  order_uid      text,
  token          text NOT NULL,
  items          jsonb NOT NULL DEFAULT '[]',
  subtotal_cents bigint NOT NULL DEFAULT 0,
  abandon_ts     timestamptz,
  status         jsonb NOT NULL DEFAULT '{}',
  labels         jsonb NOT NULL DEFAULT '{}',
  annotations    jsonb NOT NULL DEFAULT '{}',
  create_ts      timestamptz NOT NULL DEFAULT now(),
  update_ts      timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX cart_token_idx ON cart (token);
CREATE INDEX cart_customer_uid_partial_idx ON cart (customer_uid) WHERE customer_uid IS NOT NULL;
CREATE INDEX cart_order_uid_partial_idx ON cart (order_uid) WHERE order_uid IS NOT NULL;
CREATE INDEX cart_update_ts_partial_idx ON cart (update_ts) WHERE order_uid IS NULL;
COMMENT ON COLUMN cart.customer_uid IS 'refers to customer.uid';
COMMENT ON COLUMN cart.order_uid IS 'refers to order_header.uid';
