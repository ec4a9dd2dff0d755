-- Underwriting rules and rating tables, versioned.

CREATE TABLE rule_sets (
  id                   CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  program_id           CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  rule_set_code        VARCHAR(40) NOT NULL,
  name                 VARCHAR(160) NOT NULL,
  stage                ENUM('intake', 'clearance', 'quote', 'bind', 'endorse', 'renewal') NOT NULL DEFAULT 'intake',
  status               ENUM('draft', 'published', 'retired') NOT NULL DEFAULT 'draft',
  version_no           INT UNSIGNED NOT NULL,
  published_at         DATETIME(3) NULL,
  published_by_user_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  description          VARCHAR(500) NULL,
  created_at           DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at           DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_program_id_rule_set_code_version_no (program_id, rule_set_code, version_no),
  KEY idx_published_by_user_id (published_by_user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE rules (
  id           CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  rule_set_id  CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  rule_code    VARCHAR(40) NOT NULL,
  name         VARCHAR(160) NOT NULL,
  severity     VARCHAR(20) NOT NULL DEFAULT 'info',
  expression   TEXT NOT NULL,
  message      VARCHAR(500) NOT NULL,
  priority     SMALLINT UNSIGNED NOT NULL,
  is_enabled   TINYINT(1) NOT NULL DEFAULT 0,
  effective_on DATE NOT NULL,
  expires_on   DATE NULL,
  created_at   DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at   DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_rule_set_id_rule_code (rule_set_id, rule_code),
  CONSTRAINT chk_rules_severity CHECK (severity IN ('info', 'warn', 'refer', 'decline'))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE rule_versions (
  id                  CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  rule_id             CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  version_no          INT UNSIGNED NOT NULL,
  expression          TEXT NOT NULL,
  change_note         VARCHAR(120) NULL,
  changed_by_user_id  CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  approved_by_user_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  approved_at         DATETIME(3) NULL,
  test_results        JSON NULL,
  created_at          DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at          DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_rule_id_version_no (rule_id, version_no),
  KEY idx_changed_by_user_id (changed_by_user_id),
  KEY idx_approved_by_user_id (approved_by_user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE rating_tables (
  id                CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  program_id        CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  rating_table_code VARCHAR(40) NOT NULL,
  name              VARCHAR(160) NOT NULL,
  dimension_names   JSON NOT NULL,
  status            ENUM('draft', 'filed', 'active', 'retired') NOT NULL DEFAULT 'draft',
  version_no        INT UNSIGNED NOT NULL,
  effective_on      DATE NOT NULL,
  expires_on        DATE NULL,
  filing_number     VARCHAR(40) NULL,
  row_total         INT UNSIGNED NOT NULL,
  created_at        DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at        DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_program_id_rating_table_code_version_no (program_id, rating_table_code, version_no)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE rating_table_rows (
  id              CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  rating_table_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  row_no          INT UNSIGNED NOT NULL,
  dimension_1     VARCHAR(60) NOT NULL,
  dimension_2     VARCHAR(60) NULL,
  range_from      DECIMAL(14,4) NULL,
  range_to        DECIMAL(14,4) NULL,
  factor          DECIMAL(9,6) NOT NULL,
  flat_cents      BIGINT NOT NULL DEFAULT 0,
  created_at      DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at      DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_rating_table_id_row_no (rating_table_id, row_no),
  CONSTRAINT chk_rating_table_rows_factor CHECK (factor > 0)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE rating_factors (
  id             CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  program_id     CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  factor_code    VARCHAR(40) NOT NULL,
  name           VARCHAR(160) NOT NULL,
  applies_to     ENUM('policy', 'vehicle', 'driver', 'coverage') NOT NULL DEFAULT 'policy',
  factor_min     DECIMAL(9,6) NOT NULL,
  factor_max     DECIMAL(9,6) NOT NULL,
  default_factor DECIMAL(9,6) NOT NULL,
  is_judgmental  TINYINT(1) NOT NULL DEFAULT 0,
  effective_on   DATE NOT NULL,
  expires_on     DATE NULL,
  created_at     DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at     DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_program_id_factor_code_effective_on (program_id, factor_code, effective_on),
  CONSTRAINT chk_rating_factors_factor_max CHECK (factor_max >= factor_min)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE referral_rules (
  id                 CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  program_id         CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  referral_code      VARCHAR(40) NOT NULL,
  name               VARCHAR(160) NOT NULL,
  trigger_expression TEXT NOT NULL,
  assigned_role_id   CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  turnaround_hours   SMALLINT UNSIGNED NOT NULL,
  escalation_hours   SMALLINT UNSIGNED NULL,
  is_blocking        TINYINT(1) NOT NULL DEFAULT 0,
  status             ENUM('active', 'retired') NOT NULL DEFAULT 'active',
  created_at         DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at         DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_program_id_referral_code (program_id, referral_code),
  KEY idx_assigned_role_id (assigned_role_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
