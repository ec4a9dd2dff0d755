-- Agencies and producers who bring in the business, and what they are paid.

CREATE TABLE agencies (
  id               CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  org_id           CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  agency_code      VARCHAR(40) NOT NULL,
  legal_name       VARCHAR(160) NOT NULL,
  dba_name         VARCHAR(160) NULL,
  status           ENUM('prospect', 'active', 'suspended', 'terminated') NOT NULL DEFAULT 'prospect',
  tax_number       VARCHAR(20) NULL,
  npn              VARCHAR(20) NULL,
  agency_type      ENUM('retail', 'wholesale', 'general_agent') NOT NULL DEFAULT 'retail',
  parent_agency_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  email            VARCHAR(254) NOT NULL,
  phone            VARCHAR(32) NULL,
  line1            VARCHAR(160) NOT NULL,
  city             VARCHAR(100) NOT NULL,
  state            CHAR(2) NOT NULL,
  postal_code      VARCHAR(12) NOT NULL,
  appointed_on     DATE NULL,
  terminated_on    DATE NULL,
  eo_expires_on    DATE NULL,
  created_at       DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at       DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_agency_code (agency_code),
  KEY idx_state_status (state, status),
  KEY idx_org_id (org_id),
  KEY idx_parent_agency_id (parent_agency_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE producers (
  id            CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  agency_id     CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_id       CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  producer_code VARCHAR(40) NOT NULL,
  first_name    VARCHAR(80) NOT NULL,
  last_name     VARCHAR(80) NOT NULL,
  email         VARCHAR(254) NOT NULL,
  phone         VARCHAR(32) NULL,
  npn           VARCHAR(20) NOT NULL,
  status        ENUM('active', 'inactive', 'terminated') NOT NULL DEFAULT 'active',
  is_principal  TINYINT(1) NOT NULL DEFAULT 0,
  hired_on      DATE NULL,
  terminated_on DATE NULL,
  created_at    DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at    DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_producer_code (producer_code),
  KEY idx_agency_id_status (agency_id, status),
  KEY idx_npn (npn),
  KEY idx_user_id (user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE producer_licenses (
  id                 CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  producer_id        CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  state              CHAR(2) NOT NULL,
  license_number     VARCHAR(40) NOT NULL,
  license_type       ENUM('producer', 'surplus_lines', 'adjuster', 'consultant') NOT NULL DEFAULT 'producer',
  lines_of_authority JSON NOT NULL,
  status             ENUM('active', 'expired', 'suspended', 'revoked') NOT NULL DEFAULT 'active',
  effective_on       DATE NOT NULL,
  expires_on         DATE NOT NULL,
  verified_at        DATETIME(3) NULL,
  is_resident        TINYINT(1) NOT NULL DEFAULT 0,
  created_at         DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at         DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_producer_id_state_license_type (producer_id, state, license_type),
  KEY idx_state_expires_on (state, expires_on),
  CONSTRAINT chk_producer_licenses_expires_on CHECK (expires_on > effective_on)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE producer_appointments (
  id                    CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  producer_id           CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  carrier_id            CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  state                 CHAR(2) NOT NULL,
  status                ENUM('pending', 'active', 'terminated') NOT NULL DEFAULT 'pending',
  appointed_on          DATE NULL,
  terminated_on         DATE NULL,
  termination_reason    VARCHAR(255) NULL,
  appointment_fee_cents BIGINT NOT NULL DEFAULT 0,
  filing_number         VARCHAR(40) NULL,
  created_at            DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at            DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  KEY idx_carrier_id_state_status (carrier_id, state, status),
  KEY idx_producer_id (producer_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE producer_contacts (
  id                  CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  agency_id           CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  contact_type        ENUM('accounting', 'licensing', 'marketing', 'principal') NOT NULL DEFAULT 'accounting',
  first_name          VARCHAR(80) NOT NULL,
  last_name           VARCHAR(80) NOT NULL,
  email               VARCHAR(254) NOT NULL,
  phone               VARCHAR(32) NULL,
  is_primary          TINYINT(1) NOT NULL DEFAULT 0,
  receives_statements TINYINT(1) NOT NULL DEFAULT 1,
  created_at          DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at          DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  KEY idx_agency_id_contact_type (agency_id, contact_type)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE producer_agreements (
  id                     CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  agency_id              CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  agreement_number       VARCHAR(40) NOT NULL,
  agreement_type         ENUM('brokerage', 'agency', 'sub_producer') NOT NULL DEFAULT 'brokerage',
  status                 ENUM('draft', 'sent', 'signed', 'expired', 'terminated') NOT NULL DEFAULT 'draft',
  commission_schedule_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  effective_on           DATE NOT NULL,
  expires_on             DATE NULL,
  signed_at              DATETIME(3) NULL,
  document_url           VARCHAR(500) NULL,
  minimum_volume_cents   BIGINT NOT NULL DEFAULT 0,
  created_at             DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at             DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_agreement_number (agreement_number),
  KEY idx_agency_id (agency_id),
  KEY idx_commission_schedule_id (commission_schedule_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE commission_schedules (
  id                       CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  schedule_code            VARCHAR(40) NOT NULL,
  name                     VARCHAR(160) NOT NULL,
  line_of_business         ENUM('auto_liability', 'physical_damage', 'motor_truck_cargo', 'general_liability') NOT NULL DEFAULT 'auto_liability',
  status                   ENUM('draft', 'active', 'retired') NOT NULL DEFAULT 'draft',
  effective_on             DATE NOT NULL,
  expires_on               DATE NULL,
  new_business_rate        DECIMAL(9,6) NOT NULL DEFAULT 0,
  renewal_rate             DECIMAL(9,6) NOT NULL DEFAULT 0,
  minimum_commission_cents BIGINT NOT NULL DEFAULT 0,
  created_at               DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at               DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_schedule_code (schedule_code),
  CONSTRAINT chk_commission_schedules_new_business_rate CHECK (new_business_rate BETWEEN 0 AND 0.5)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE commission_schedule_tiers (
  id                     CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  commission_schedule_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  tier_no                SMALLINT UNSIGNED NOT NULL,
  min_premium_cents      BIGINT NOT NULL DEFAULT 0,
  max_premium_cents      BIGINT NULL,
  commission_rate        DECIMAL(9,6) NOT NULL DEFAULT 0,
  loss_ratio_cap         DECIMAL(7,4) NULL,
  effective_on           DATE NOT NULL,
  notes                  TEXT NULL,
  created_at             DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at             DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_commission_schedule_id_tier_no (commission_schedule_id, tier_no)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
