-- The accounts of the ledger and how they are grouped.

CREATE TABLE charts_of_accounts (
  id           CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  org_id       CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  chart_code   VARCHAR(40) NOT NULL,
  name         VARCHAR(160) NOT NULL,
  basis        ENUM('gaap', 'statutory', 'cash') NOT NULL DEFAULT 'gaap',
  fiscal_year  SMALLINT UNSIGNED NOT NULL,
  status       ENUM('draft', 'active', 'archived') NOT NULL DEFAULT 'draft',
  currency     CHAR(3) NOT NULL DEFAULT 'USD',
  description  VARCHAR(500) NULL,
  activated_at DATETIME(3) NULL,
  created_at   DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at   DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_org_id_chart_code_fiscal_year (org_id, chart_code, fiscal_year),
  KEY idx_org_id_status_created_at (org_id, status, created_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE gl_accounts (
  id                   CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  org_id               CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  chart_of_accounts_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  gl_account_group_id  CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  account_code         VARCHAR(20) NOT NULL,
  name                 VARCHAR(160) NOT NULL,
  account_type         ENUM('asset', 'liability', 'equity', 'revenue', 'expense') NOT NULL DEFAULT 'asset',
  normal_side          ENUM('debit', 'credit') NOT NULL DEFAULT 'debit',
  statutory_line       VARCHAR(20) NULL,
  is_control           TINYINT(1) NOT NULL DEFAULT 0,
  is_postable          TINYINT(1) NOT NULL DEFAULT 1,
  status               ENUM('active', 'inactive') NOT NULL DEFAULT 'active',
  created_at           DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at           DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_chart_of_accounts_id_account_code (chart_of_accounts_id, account_code),
  KEY idx_org_id_status_created_at (org_id, status, created_at),
  KEY idx_org_id_account_code (org_id, account_code),
  KEY idx_gl_account_group_id (gl_account_group_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE gl_account_groups (
  id                   CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  org_id               CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  chart_of_accounts_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  parent_group_id      CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  group_code           VARCHAR(40) NOT NULL,
  name                 VARCHAR(160) NOT NULL,
  account_type         ENUM('asset', 'liability', 'equity', 'revenue', 'expense') NOT NULL DEFAULT 'asset',
  sort_order           INT NOT NULL DEFAULT 0,
  is_summary           TINYINT(1) NOT NULL DEFAULT 0,
  report_section       VARCHAR(60) NOT NULL,
  created_at           DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at           DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_chart_of_accounts_id_group_code (chart_of_accounts_id, group_code),
  KEY idx_org_id_created_at (org_id, created_at),
  KEY idx_parent_group_id (parent_group_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE gl_dimensions (
  id             CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  org_id         CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  dimension_key  VARCHAR(40) NOT NULL,
  name           VARCHAR(160) NOT NULL,
  value_source   ENUM('program', 'carrier', 'state', 'producer', 'coverage', 'custom') NOT NULL DEFAULT 'program',
  is_required    TINYINT(1) NOT NULL DEFAULT 0,
  allowed_values JSON NULL,
  sort_order     INT NOT NULL DEFAULT 0,
  status         ENUM('active', 'inactive') NOT NULL DEFAULT 'active',
  created_at     DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at     DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_org_id_dimension_key (org_id, dimension_key),
  KEY idx_org_id_status_created_at (org_id, status, created_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE gl_cost_centers (
  id                    CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  org_id                CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  cost_center_code      VARCHAR(40) NOT NULL,
  name                  VARCHAR(160) NOT NULL,
  department            VARCHAR(80) NOT NULL,
  manager_user_id       CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  parent_cost_center_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  status                ENUM('active', 'inactive') NOT NULL DEFAULT 'active',
  annual_budget_cents   BIGINT NOT NULL DEFAULT 0,
  effective_on          DATE NOT NULL,
  closed_on             DATE NULL,
  created_at            DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at            DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_org_id_cost_center_code (org_id, cost_center_code),
  KEY idx_org_id_status_created_at (org_id, status, created_at),
  KEY idx_manager_user_id (manager_user_id),
  KEY idx_parent_cost_center_id (parent_cost_center_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
