-- What each policy covers, up to which limits, and whom else.

CREATE TABLE policy_coverages (
  id               CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  org_id           CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  policy_id        CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  coverage_type_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  coverage_code    VARCHAR(40) NOT NULL,
  status           ENUM('active', 'removed', 'pending') NOT NULL DEFAULT 'active',
  limit_cents      BIGINT NOT NULL DEFAULT 0,
  deductible_cents BIGINT NOT NULL DEFAULT 0,
  premium_cents    BIGINT NOT NULL DEFAULT 0,
  rate             DECIMAL(9,6) NOT NULL DEFAULT 0,
  effective_on     DATE NOT NULL,
  expires_on       DATE NOT NULL,
  iso_symbol       VARCHAR(10) NULL,
  created_at       DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at       DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_policy_id_coverage_code (policy_id, coverage_code),
  KEY idx_org_id_status_created_at (org_id, status, created_at),
  KEY idx_org_id_coverage_code (org_id, coverage_code),
  KEY idx_coverage_type_id (coverage_type_id),
  CONSTRAINT chk_policy_coverages_premium_cents CHECK (premium_cents >= 0)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE coverage_limits (
  id                  CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  org_id              CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  policy_coverage_id  CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  limit_type          ENUM('per_person', 'per_occurrence', 'aggregate', 'combined_single', 'per_vehicle') NOT NULL DEFAULT 'per_person',
  limit_cents         BIGINT NOT NULL DEFAULT 0,
  label               VARCHAR(80) NOT NULL,
  is_shared           TINYINT(1) NOT NULL DEFAULT 0,
  reinstatement_count INT NOT NULL DEFAULT 0,
  sort_order          INT NOT NULL DEFAULT 0,
  created_at          DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at          DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  KEY idx_org_id_created_at (org_id, created_at),
  KEY idx_org_id_limit_type (org_id, limit_type),
  KEY idx_policy_coverage_id (policy_coverage_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE coverage_deductibles (
  id                 CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  org_id             CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  policy_coverage_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  deductible_type    ENUM('flat', 'percentage', 'aggregate', 'waiting_period') NOT NULL DEFAULT 'flat',
  deductible_cents   BIGINT NOT NULL DEFAULT 0,
  percent_rate       DECIMAL(9,6) NULL,
  applies_to         ENUM('each_claim', 'each_vehicle', 'each_occurrence') NOT NULL DEFAULT 'each_claim',
  aggregate_cents    BIGINT NULL,
  waiting_hours      SMALLINT UNSIGNED NULL,
  sort_order         INT NOT NULL DEFAULT 0,
  created_at         DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at         DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  KEY idx_org_id_created_at (org_id, created_at),
  KEY idx_policy_coverage_id (policy_coverage_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE additional_insureds (
  id                         CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  org_id                     CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  policy_id                  CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  interest_type              ENUM('additional_insured', 'loss_payee', 'certificate_holder', 'waiver_of_subrogation') NOT NULL DEFAULT 'additional_insured',
  legal_name                 VARCHAR(160) NOT NULL,
  email                      VARCHAR(254) NULL,
  line1                      VARCHAR(160) NOT NULL,
  line2                      VARCHAR(160) NULL,
  city                       VARCHAR(100) NOT NULL,
  state                      CHAR(2) NOT NULL,
  postal_code                VARCHAR(12) NOT NULL,
  effective_on               DATE NOT NULL,
  expires_on                 DATE NULL,
  certificate_number         VARCHAR(40) NULL,
  is_primary_noncontributory TINYINT(1) NOT NULL DEFAULT 0,
  created_at                 DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at                 DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  KEY idx_org_id_created_at (org_id, created_at),
  KEY idx_org_id_certificate_number (org_id, certificate_number),
  KEY idx_policy_id (policy_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE policy_fees (
  id              CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  org_id          CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  policy_id       CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  fee_code        VARCHAR(40) NOT NULL,
  fee_name        VARCHAR(160) NOT NULL,
  fee_type        VARCHAR(20) NOT NULL DEFAULT 'policy',
  amount_cents    BIGINT NOT NULL DEFAULT 0,
  tax_state       CHAR(2) NOT NULL,
  is_refundable   TINYINT(1) NOT NULL DEFAULT 0,
  is_fully_earned TINYINT(1) NOT NULL DEFAULT 1,
  waived_at       DATETIME(3) NULL,
  created_at      DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at      DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  KEY idx_org_id_created_at (org_id, created_at),
  KEY idx_org_id_fee_code (org_id, fee_code),
  KEY idx_policy_id (policy_id),
  CONSTRAINT chk_policy_fees_fee_type CHECK (fee_type IN ('policy', 'inspection', 'broker', 'stamping', 'surplus_lines_tax'))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
