-- Risk bearers: carriers and reinsurers with their ratings and contracts.

CREATE TABLE carriers (
  id              CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  carrier_code    VARCHAR(40) NOT NULL,
  legal_name      VARCHAR(160) NOT NULL,
  naic_code       CHAR(5) NOT NULL,
  naic_group_code VARCHAR(10) NULL,
  domicile_state  CHAR(2) NOT NULL,
  status          ENUM('active', 'runoff', 'inactive') NOT NULL DEFAULT 'active',
  admitted_status ENUM('admitted', 'surplus_lines') NOT NULL DEFAULT 'admitted',
  am_best_rating  VARCHAR(6) NOT NULL,
  website_url     VARCHAR(500) NULL,
  claims_email    VARCHAR(254) NULL,
  claims_phone    VARCHAR(32) NULL,
  onboarded_on    DATE NULL,
  created_at      DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at      DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_carrier_code (carrier_code),
  UNIQUE KEY uq_naic_code (naic_code),
  KEY idx_status (status)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE carrier_contacts (
  id           CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  carrier_id   CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  contact_type ENUM('underwriting', 'claims', 'accounting', 'regulatory') NOT NULL DEFAULT 'underwriting',
  first_name   VARCHAR(80) NOT NULL,
  last_name    VARCHAR(80) NOT NULL,
  email        VARCHAR(254) NOT NULL,
  phone        VARCHAR(32) NULL,
  job_title    VARCHAR(100) NULL,
  is_primary   TINYINT(1) NOT NULL DEFAULT 0,
  created_at   DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at   DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  KEY idx_carrier_id_contact_type (carrier_id, contact_type)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE carrier_licenses (
  id               CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  carrier_id       CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  state            CHAR(2) NOT NULL,
  license_number   VARCHAR(40) NOT NULL,
  line_of_business ENUM('commercial_auto', 'motor_truck_cargo', 'general_liability', 'excess') NOT NULL DEFAULT 'commercial_auto',
  status           ENUM('active', 'expired', 'revoked') NOT NULL DEFAULT 'active',
  effective_on     DATE NOT NULL,
  expires_on       DATE NULL,
  annual_fee_cents BIGINT NOT NULL DEFAULT 0,
  created_at       DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at       DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_carrier_id_state_line_of_business (carrier_id, state, line_of_business)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE carrier_ratings (
  id                      CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  carrier_id              CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  agency                  VARCHAR(20) NOT NULL DEFAULT 'am_best',
  rating                  VARCHAR(6) NOT NULL,
  outlook                 ENUM('stable', 'positive', 'negative', 'developing') NOT NULL DEFAULT 'stable',
  rated_on                DATE NOT NULL,
  financial_size_category VARCHAR(10) NULL,
  surplus_cents           BIGINT NOT NULL DEFAULT 0,
  source_url              VARCHAR(500) NULL,
  created_at              DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at              DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  KEY idx_carrier_id_agency_rated_on (carrier_id, agency, rated_on),
  CONSTRAINT chk_carrier_ratings_agency CHECK (agency IN ('am_best', 'demotech', 'sp', 'moodys'))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE carrier_contracts (
  id                     CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  carrier_id             CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  org_id                 CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  contract_number        VARCHAR(40) NOT NULL,
  contract_type          ENUM('mga_agreement', 'fronting', 'claims_authority') NOT NULL DEFAULT 'mga_agreement',
  status                 ENUM('draft', 'active', 'notice', 'expired') NOT NULL DEFAULT 'draft',
  effective_on           DATE NOT NULL,
  expires_on             DATE NULL,
  ceding_commission_rate DECIMAL(9,6) NOT NULL DEFAULT 0,
  fronting_fee_rate      DECIMAL(9,6) NOT NULL DEFAULT 0,
  premium_cap_cents      BIGINT NOT NULL DEFAULT 0,
  created_at             DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at             DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_contract_number (contract_number),
  KEY idx_org_id_status (org_id, status),
  KEY idx_carrier_id (carrier_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE reinsurers (
  id                  CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  reinsurer_code      VARCHAR(40) NOT NULL,
  legal_name          VARCHAR(160) NOT NULL,
  naic_code           CHAR(5) NULL,
  domicile_country    CHAR(2) NOT NULL,
  status              ENUM('approved', 'watch', 'suspended') NOT NULL DEFAULT 'approved',
  am_best_rating      VARCHAR(6) NULL,
  is_authorized       TINYINT(1) NOT NULL DEFAULT 0,
  collateral_required TINYINT(1) NOT NULL DEFAULT 0,
  collateral_cents    BIGINT NOT NULL DEFAULT 0,
  contact_email       VARCHAR(254) NULL,
  approved_on         DATE NULL,
  created_at          DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at          DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_reinsurer_code (reinsurer_code)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
