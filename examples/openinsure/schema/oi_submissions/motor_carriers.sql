-- Trucking companies as the regulator knows them.

CREATE TABLE motor_carriers (
  id                CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  org_id            CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  dot_number        VARCHAR(12) NOT NULL,
  mc_number         VARCHAR(12) NULL,
  legal_name        VARCHAR(160) NOT NULL,
  dba_name          VARCHAR(160) NULL,
  carrier_operation ENUM('interstate', 'intrastate_hazmat', 'intrastate') NOT NULL DEFAULT 'interstate',
  status            ENUM('active', 'inactive', 'out_of_service') NOT NULL DEFAULT 'active',
  safety_rating     ENUM('satisfactory', 'conditional', 'unsatisfactory') NULL,
  power_unit_count  INT NOT NULL DEFAULT 0,
  driver_count      INT NOT NULL DEFAULT 0,
  line1             VARCHAR(160) NOT NULL,
  city              VARCHAR(100) NOT NULL,
  state             CHAR(2) NOT NULL,
  postal_code       VARCHAR(12) NOT NULL,
  phone             VARCHAR(32) NULL,
  email             VARCHAR(254) NULL,
  mcs150_on         DATE NULL,
  mcs150_mileage    BIGINT UNSIGNED NOT NULL DEFAULT 0,
  created_at        DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at        DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_org_id_dot_number (org_id, dot_number),
  KEY idx_org_id_status_created_at (org_id, status, created_at),
  KEY idx_org_id_legal_name (org_id, legal_name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE motor_carrier_authorities (
  id                  CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  org_id              CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  motor_carrier_id    CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  docket_number       VARCHAR(40) NOT NULL,
  authority_type      ENUM('common', 'contract', 'broker') NOT NULL DEFAULT 'common',
  status              ENUM('active', 'inactive', 'pending', 'revoked') NOT NULL DEFAULT 'active',
  granted_on          DATE NULL,
  revoked_on          DATE NULL,
  bipd_required_cents BIGINT NOT NULL DEFAULT 0,
  cargo_required      TINYINT(1) NOT NULL DEFAULT 0,
  insurer_on_file     VARCHAR(120) NULL,
  created_at          DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at          DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  KEY idx_org_id_status_created_at (org_id, status, created_at),
  KEY idx_org_id_docket_number (org_id, docket_number),
  KEY idx_motor_carrier_id (motor_carrier_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE motor_carrier_operations (
  id                CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  org_id            CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  motor_carrier_id  CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  state             CHAR(2) NOT NULL,
  miles_pct         DECIMAL(5,2) NOT NULL DEFAULT 0,
  trip_count        INT NOT NULL DEFAULT 0,
  annual_miles      INT UNSIGNED NOT NULL DEFAULT 0,
  reporting_quarter CHAR(6) NOT NULL,
  source            ENUM('ifta', 'eld', 'application') NOT NULL DEFAULT 'ifta',
  fuel_gallons      INT UNSIGNED NOT NULL DEFAULT 0,
  created_at        DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at        DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  KEY idx_org_id_created_at (org_id, created_at),
  KEY idx_motor_carrier_id_reporting_quarter (motor_carrier_id, reporting_quarter)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE motor_carrier_commodities (
  id                         CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  org_id                     CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  motor_carrier_id           CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  commodity_code             VARCHAR(40) NOT NULL,
  commodity_name             VARCHAR(160) NOT NULL,
  haul_pct                   DECIMAL(5,2) NOT NULL DEFAULT 0,
  average_value_cents        BIGINT NOT NULL DEFAULT 0,
  max_value_cents            BIGINT NOT NULL DEFAULT 0,
  is_hazmat                  TINYINT(1) NOT NULL DEFAULT 0,
  is_refrigerated            TINYINT(1) NOT NULL DEFAULT 0,
  requires_cargo_endorsement TINYINT(1) NOT NULL DEFAULT 0,
  created_at                 DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at                 DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  KEY idx_org_id_created_at (org_id, created_at),
  KEY idx_motor_carrier_id (motor_carrier_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
