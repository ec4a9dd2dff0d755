-- Prior carriers' loss experience.

CREATE TABLE loss_run_requests (
  id                   CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  org_id               CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  submission_id        CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  prior_carrier_name   VARCHAR(160) NOT NULL,
  prior_policy_number  VARCHAR(40) NULL,
  status               ENUM('requested', 'received', 'overdue', 'waived') NOT NULL DEFAULT 'requested',
  requested_at         DATETIME(3) NOT NULL,
  due_on               DATE NOT NULL,
  received_at          DATETIME(3) NULL,
  requested_by_user_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  reminder_count       INT NOT NULL DEFAULT 0,
  contact_email        VARCHAR(254) NULL,
  created_at           DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at           DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  KEY idx_org_id_status_created_at (org_id, status, created_at),
  KEY idx_submission_id (submission_id),
  KEY idx_requested_by_user_id (requested_by_user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE loss_runs (
  id                   CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  org_id               CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  submission_id        CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  loss_run_request_id  CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  carrier_name         VARCHAR(160) NOT NULL,
  policy_number        VARCHAR(40) NOT NULL,
  valued_on            DATE NOT NULL,
  term_effective_on    DATE NOT NULL,
  term_expires_on      DATE NOT NULL,
  earned_premium_cents BIGINT NOT NULL DEFAULT 0,
  claim_count          INT NOT NULL DEFAULT 0,
  total_incurred_cents BIGINT NOT NULL DEFAULT 0,
  total_paid_cents     BIGINT NOT NULL DEFAULT 0,
  power_unit_count     INT NOT NULL DEFAULT 0,
  created_at           DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at           DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  KEY idx_org_id_created_at (org_id, created_at),
  KEY idx_submission_id_valued_on (submission_id, valued_on),
  KEY idx_loss_run_request_id (loss_run_request_id),
  CONSTRAINT chk_loss_runs_term_expires_on CHECK (term_expires_on > term_effective_on)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE loss_run_claims (
  id               CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  org_id           CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  loss_run_id      CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  claim_number     VARCHAR(40) NOT NULL,
  loss_on          DATE NOT NULL,
  reported_on      DATE NOT NULL,
  line_of_business ENUM('auto_liability', 'physical_damage', 'motor_truck_cargo', 'general_liability') NOT NULL DEFAULT 'auto_liability',
  status           ENUM('open', 'closed', 'reopened') NOT NULL DEFAULT 'open',
  paid_cents       BIGINT NOT NULL DEFAULT 0,
  reserve_cents    BIGINT NOT NULL DEFAULT 0,
  incurred_cents   BIGINT NOT NULL DEFAULT 0,
  description      VARCHAR(500) NULL,
  driver_name      VARCHAR(160) NULL,
  created_at       DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at       DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  KEY idx_org_id_status_created_at (org_id, status, created_at),
  KEY idx_loss_run_id_loss_on (loss_run_id, loss_on)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE loss_run_summaries (
  id                   CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  org_id               CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  submission_id        CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  line_of_business     ENUM('auto_liability', 'physical_damage', 'motor_truck_cargo', 'general_liability') NOT NULL DEFAULT 'auto_liability',
  term_count           INT NOT NULL DEFAULT 0,
  claim_count          INT NOT NULL DEFAULT 0,
  earned_premium_cents BIGINT NOT NULL DEFAULT 0,
  incurred_cents       BIGINT NOT NULL DEFAULT 0,
  loss_ratio           DECIMAL(8,4) NOT NULL,
  frequency_per_unit   DECIMAL(8,4) NOT NULL,
  valued_on            DATE NOT NULL,
  created_at           DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at           DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  KEY idx_org_id_created_at (org_id, created_at),
  KEY idx_submission_id (submission_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
