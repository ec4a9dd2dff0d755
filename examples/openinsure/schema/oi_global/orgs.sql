-- Organizations: every tenant is one row of orgs.

CREATE TABLE orgs (
  id                      CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  slug                    VARCHAR(80) NOT NULL,
  legal_name              VARCHAR(160) NOT NULL,
  display_name            VARCHAR(160) NOT NULL,
  org_type                ENUM('mga', 'agency', 'tpa', 'carrier') NOT NULL DEFAULT 'mga',
  status                  ENUM('active', 'suspended', 'closed') NOT NULL DEFAULT 'active',
  tax_number              VARCHAR(20) NULL,
  npn                     VARCHAR(20) NULL,
  primary_state           CHAR(2) NOT NULL,
  time_zone               VARCHAR(64) NOT NULL,
  fiscal_year_start_month TINYINT UNSIGNED NOT NULL DEFAULT 1,
  settings                JSON NULL,
  closed_at               DATETIME(3) NULL,
  created_at              DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at              DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_slug (slug),
  KEY idx_status_org_type (status, org_type),
  CONSTRAINT chk_orgs_fiscal_year_start_month CHECK (fiscal_year_start_month BETWEEN 1 AND 12)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE org_settings (
  id                 CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  org_id             CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  setting_key        VARCHAR(80) NOT NULL,
  setting_value      JSON NOT NULL,
  is_secret          TINYINT(1) NOT NULL DEFAULT 0,
  updated_by_user_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  created_at         DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at         DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_org_id_setting_key (org_id, setting_key),
  KEY idx_updated_by_user_id (updated_by_user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE org_addresses (
  id           CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  org_id       CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  address_type ENUM('mailing', 'physical', 'billing') NOT NULL DEFAULT 'mailing',
  line1        VARCHAR(160) NOT NULL,
  line2        VARCHAR(160) NULL,
  city         VARCHAR(100) NOT NULL,
  state        CHAR(2) NOT NULL,
  postal_code  VARCHAR(12) NOT NULL,
  country_code CHAR(2) NOT NULL DEFAULT 'US',
  is_primary   TINYINT(1) NOT NULL DEFAULT 0,
  created_at   DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at   DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  KEY idx_org_id_address_type (org_id, address_type)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE org_contacts (
  id           CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  org_id       CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  contact_type ENUM('primary', 'billing', 'claims', 'compliance', 'technical') NOT NULL DEFAULT 'primary',
  first_name   VARCHAR(80) NOT NULL,
  last_name    VARCHAR(80) NOT NULL,
  email        VARCHAR(254) NOT NULL,
  phone        VARCHAR(32) NULL,
  job_title    VARCHAR(100) NULL,
  is_primary   TINYINT(1) NOT NULL DEFAULT 0,
  created_at   DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at   DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  KEY idx_org_id_contact_type (org_id, contact_type)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE org_domains (
  id                 CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  org_id             CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  domain_name        VARCHAR(160) NOT NULL,
  verification_token VARCHAR(80) NOT NULL,
  status             ENUM('pending', 'verified', 'failed') NOT NULL DEFAULT 'pending',
  verified_at        DATETIME(3) NULL,
  is_primary         TINYINT(1) NOT NULL DEFAULT 0,
  sso_enforced       TINYINT(1) NOT NULL DEFAULT 0,
  created_at         DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at         DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_domain_name (domain_name),
  KEY idx_org_id (org_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE org_feature_flags (
  id                 CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  org_id             CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  flag_key           VARCHAR(80) NOT NULL,
  is_enabled         TINYINT(1) NOT NULL DEFAULT 0,
  rollout_pct        DECIMAL(5,2) NOT NULL DEFAULT 0,
  conditions         JSON NULL,
  enabled_by_user_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  enabled_at         DATETIME(3) NULL,
  created_at         DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at         DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_org_id_flag_key (org_id, flag_key),
  KEY idx_enabled_by_user_id (enabled_by_user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE org_subscriptions (
  id                CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  org_id            CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  plan_code         VARCHAR(40) NOT NULL,
  status            ENUM('trialing', 'active', 'past_due', 'canceled') NOT NULL DEFAULT 'trialing',
  seat_count        INT NOT NULL DEFAULT 0,
  monthly_fee_cents BIGINT NOT NULL DEFAULT 0,
  policy_fee_cents  BIGINT NOT NULL DEFAULT 0,
  starts_on         DATE NOT NULL,
  ends_on           DATE NULL,
  canceled_at       DATETIME(3) NULL,
  created_at        DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at        DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  KEY idx_org_id_status (org_id, status)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE org_api_clients (
  id                 CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  org_id             CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  client_name        VARCHAR(160) NOT NULL,
  client_key         VARCHAR(64) NOT NULL,
  secret_hash        CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  scopes             JSON NOT NULL,
  status             ENUM('active', 'revoked') NOT NULL DEFAULT 'active',
  last_used_at       DATETIME(3) NULL,
  expires_at         DATETIME(3) NULL,
  created_by_user_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  created_at         DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at         DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_client_key (client_key),
  KEY idx_org_id (org_id),
  KEY idx_created_by_user_id (created_by_user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
