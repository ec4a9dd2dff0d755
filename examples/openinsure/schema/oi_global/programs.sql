-- Insurance programs: what may be sold where, on which forms, up to which limits.

CREATE TABLE programs (
  id                    CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  program_code          VARCHAR(40) NOT NULL,
  name                  VARCHAR(160) NOT NULL,
  carrier_id            CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  line_of_business      ENUM('commercial_auto', 'motor_truck_cargo', 'general_liability', 'excess') NOT NULL DEFAULT 'commercial_auto',
  status                ENUM('draft', 'filed', 'active', 'runoff', 'closed') NOT NULL DEFAULT 'draft',
  effective_on          DATE NOT NULL,
  expires_on            DATE NULL,
  min_premium_cents     BIGINT NOT NULL DEFAULT 0,
  target_loss_ratio     DECIMAL(5,4) NOT NULL,
  max_power_units       INT UNSIGNED NOT NULL DEFAULT 0,
  min_years_in_business SMALLINT UNSIGNED NOT NULL,
  appetite              JSON NULL,
  created_at            DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at            DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_program_code (program_code),
  KEY idx_status_line_of_business (status, line_of_business),
  KEY idx_carrier_id (carrier_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE program_states (
  id                     CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  program_id             CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  state_code             CHAR(2) NOT NULL,
  status                 ENUM('pending', 'approved', 'withdrawn') NOT NULL DEFAULT 'pending',
  filing_number          VARCHAR(40) NULL,
  filing_type            ENUM('admitted', 'surplus_lines') NOT NULL DEFAULT 'admitted',
  effective_on           DATE NOT NULL,
  expires_on             DATE NULL,
  surplus_lines_tax_rate DECIMAL(9,6) NOT NULL DEFAULT 0,
  stamping_fee_rate      DECIMAL(9,6) NOT NULL DEFAULT 0,
  created_at             DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at             DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_program_id_state_code (program_id, state_code)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE program_coverages (
  id                CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  program_id        CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  coverage_type_id  CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  is_mandatory      TINYINT(1) NOT NULL DEFAULT 0,
  is_default        TINYINT(1) NOT NULL DEFAULT 0,
  base_rate         DECIMAL(9,6) NOT NULL DEFAULT 0,
  sort_order        INT NOT NULL DEFAULT 0,
  min_premium_cents BIGINT NOT NULL DEFAULT 0,
  status            ENUM('active', 'retired') NOT NULL DEFAULT 'active',
  created_at        DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at        DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_program_id_coverage_type_id (program_id, coverage_type_id),
  KEY idx_coverage_type_id (coverage_type_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE program_limits (
  id                     CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  program_id             CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  coverage_type_id       CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  limit_label            VARCHAR(60) NOT NULL,
  per_person_cents       BIGINT NULL,
  per_occurrence_cents   BIGINT NOT NULL DEFAULT 0,
  aggregate_cents        BIGINT NULL,
  increased_limit_factor DECIMAL(9,6) NOT NULL DEFAULT 0,
  is_default             TINYINT(1) NOT NULL DEFAULT 0,
  sort_order             INT NOT NULL DEFAULT 0,
  created_at             DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at             DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  KEY idx_program_id_coverage_type_id_sort_order (program_id, coverage_type_id, sort_order),
  KEY idx_coverage_type_id (coverage_type_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE program_deductibles (
  id               CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  program_id       CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  coverage_type_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  deductible_cents BIGINT NOT NULL DEFAULT 0,
  deductible_label VARCHAR(60) NOT NULL,
  rate_factor      DECIMAL(9,6) NOT NULL DEFAULT 0,
  is_default       TINYINT(1) NOT NULL DEFAULT 0,
  sort_order       INT NOT NULL DEFAULT 0,
  effective_on     DATE NOT NULL,
  created_at       DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at       DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  KEY idx_program_id_coverage_type_id_sort_order (program_id, coverage_type_id, sort_order),
  KEY idx_coverage_type_id (coverage_type_id),
  CONSTRAINT chk_program_deductibles_deductible_cents CHECK (deductible_cents >= 0)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE program_forms (
  id              CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  program_id      CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  policy_form_id  CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  state_code      CHAR(2) NULL,
  is_mandatory    TINYINT(1) NOT NULL DEFAULT 0,
  attachment_rule JSON NULL,
  sort_order      INT NOT NULL DEFAULT 0,
  effective_on    DATE NOT NULL,
  expires_on      DATE NULL,
  created_at      DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at      DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  KEY idx_program_id_state_code_effective_on (program_id, state_code, effective_on),
  KEY idx_policy_form_id (policy_form_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE program_fees (
  id            CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  program_id    CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  fee_code      VARCHAR(40) NOT NULL,
  fee_name      VARCHAR(160) NOT NULL,
  state_code    CHAR(2) NULL,
  fee_type      VARCHAR(20) NOT NULL DEFAULT 'flat',
  amount_cents  BIGINT NOT NULL DEFAULT 0,
  percent_rate  DECIMAL(9,6) NOT NULL DEFAULT 0,
  is_refundable TINYINT(1) NOT NULL DEFAULT 0,
  is_taxable    TINYINT(1) NOT NULL DEFAULT 0,
  effective_on  DATE NOT NULL,
  expires_on    DATE NULL,
  created_at    DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at    DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  KEY idx_program_id_fee_code_state_code (program_id, fee_code, state_code),
  CONSTRAINT chk_program_fees_fee_type CHECK (fee_type IN ('flat', 'percent'))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE program_authorities (
  id                CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  program_id        CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  org_id            CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  authority_type    ENUM('quote', 'bind', 'issue', 'endorse', 'cancel', 'settle_claims') NOT NULL DEFAULT 'quote',
  max_premium_cents BIGINT NOT NULL DEFAULT 0,
  max_limit_cents   BIGINT NOT NULL DEFAULT 0,
  requires_referral TINYINT(1) NOT NULL DEFAULT 0,
  effective_on      DATE NOT NULL,
  expires_on        DATE NULL,
  status            ENUM('active', 'suspended', 'revoked') NOT NULL DEFAULT 'active',
  created_at        DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at        DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  KEY idx_org_id_authority_type (org_id, authority_type),
  KEY idx_program_id (program_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
