-- Motor vehicle records of drivers in submissions.

CREATE TABLE mvr_orders (
  id                   CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  org_id               CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  submission_id        CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  submission_driver_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  vendor               ENUM('lexisnexis', 'samba', 'state_direct') NOT NULL DEFAULT 'lexisnexis',
  order_number         VARCHAR(40) NOT NULL,
  status               ENUM('ordered', 'received', 'no_hit', 'failed') NOT NULL DEFAULT 'ordered',
  ordered_at           DATETIME(3) NOT NULL,
  received_at          DATETIME(3) NULL,
  cost_cents           BIGINT NOT NULL DEFAULT 0,
  purpose_code         VARCHAR(20) NOT NULL,
  ordered_by_user_id   CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  created_at           DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at           DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_org_id_order_number (org_id, order_number),
  KEY idx_org_id_status_created_at (org_id, status, created_at),
  KEY idx_submission_id (submission_id),
  KEY idx_submission_driver_id (submission_driver_id),
  KEY idx_ordered_by_user_id (ordered_by_user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE mvr_reports (
  id                      CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  org_id                  CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  mvr_order_id            CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  submission_driver_id    CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  report_on               DATE NOT NULL,
  license_status          ENUM('valid', 'suspended', 'revoked', 'expired') NOT NULL DEFAULT 'valid',
  license_class           VARCHAR(4) NOT NULL,
  license_expires_on      DATE NULL,
  medical_cert_expires_on DATE NULL,
  point_count             INT NOT NULL DEFAULT 0,
  violation_count         INT NOT NULL DEFAULT 0,
  accident_count          INT NOT NULL DEFAULT 0,
  score                   SMALLINT NULL,
  raw_report              JSON NOT NULL,
  created_at              DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at              DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  KEY idx_org_id_created_at (org_id, created_at),
  KEY idx_mvr_order_id (mvr_order_id),
  KEY idx_submission_driver_id (submission_driver_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE mvr_violations (
  id             CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  org_id         CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  mvr_report_id  CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  violation_code VARCHAR(40) NOT NULL,
  description    VARCHAR(500) NOT NULL,
  violation_on   DATE NOT NULL,
  conviction_on  DATE NULL,
  state          CHAR(2) NOT NULL,
  severity       VARCHAR(20) NOT NULL DEFAULT 'minor',
  point_count    INT NOT NULL DEFAULT 0,
  is_accident    TINYINT(1) NOT NULL DEFAULT 0,
  disposition    VARCHAR(120) NULL,
  created_at     DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at     DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  KEY idx_org_id_created_at (org_id, created_at),
  KEY idx_org_id_violation_on (org_id, violation_on),
  KEY idx_mvr_report_id (mvr_report_id),
  CONSTRAINT chk_mvr_violations_severity CHECK (severity IN ('minor', 'major', 'serious'))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
