-- Safety data of motor carriers as fetched from the FMCSA.

CREATE TABLE fmcsa_snapshots (
  id                  CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  org_id              CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  motor_carrier_id    CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  dot_number          VARCHAR(12) NOT NULL,
  fetched_at          DATETIME(3) NOT NULL,
  snapshot_on         DATE NOT NULL,
  power_unit_count    INT NOT NULL DEFAULT 0,
  driver_count        INT NOT NULL DEFAULT 0,
  inspection_count    INT NOT NULL DEFAULT 0,
  crash_count         INT NOT NULL DEFAULT 0,
  out_of_service_rate DECIMAL(9,6) NOT NULL DEFAULT 0,
  operating_status    VARCHAR(40) NOT NULL,
  raw_payload         JSON NOT NULL,
  created_at          DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at          DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  KEY idx_org_id_created_at (org_id, created_at),
  KEY idx_motor_carrier_id_snapshot_on (motor_carrier_id, snapshot_on)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE fmcsa_inspections (
  id                  CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  org_id              CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  motor_carrier_id    CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  report_number       VARCHAR(40) NOT NULL,
  inspected_on        DATE NOT NULL,
  state               CHAR(2) NOT NULL,
  inspection_level    TINYINT UNSIGNED NOT NULL,
  violation_count     INT NOT NULL DEFAULT 0,
  oos_violation_count INT NOT NULL DEFAULT 0,
  vin                 CHAR(17) NULL,
  driver_oos          TINYINT(1) NOT NULL DEFAULT 0,
  vehicle_oos         TINYINT(1) NOT NULL DEFAULT 0,
  time_weight         TINYINT UNSIGNED NOT NULL DEFAULT 1,
  created_at          DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at          DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_org_id_report_number (org_id, report_number),
  KEY idx_org_id_created_at (org_id, created_at),
  KEY idx_motor_carrier_id_inspected_on (motor_carrier_id, inspected_on),
  CONSTRAINT chk_fmcsa_inspections_inspection_level CHECK (inspection_level BETWEEN 1 AND 6)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE fmcsa_violations (
  id                  CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  org_id              CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  fmcsa_inspection_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  violation_code      VARCHAR(40) NOT NULL,
  description         VARCHAR(500) NOT NULL,
  basic_category      ENUM('unsafe_driving', 'hours_of_service', 'driver_fitness', 'controlled_substances', 'vehicle_maintenance', 'hazmat') NOT NULL DEFAULT 'unsafe_driving',
  severity_weight     TINYINT UNSIGNED NOT NULL,
  is_out_of_service   TINYINT(1) NOT NULL DEFAULT 0,
  unit                ENUM('driver', 'vehicle') NOT NULL DEFAULT 'driver',
  violation_on        DATE NOT NULL,
  cited_party         VARCHAR(120) NULL,
  created_at          DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at          DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  KEY idx_org_id_created_at (org_id, created_at),
  KEY idx_org_id_basic_category (org_id, basic_category),
  KEY idx_fmcsa_inspection_id (fmcsa_inspection_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE fmcsa_crashes (
  id                CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  org_id            CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  motor_carrier_id  CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  report_number     VARCHAR(40) NOT NULL,
  crashed_on        DATE NOT NULL,
  state             CHAR(2) NOT NULL,
  city              VARCHAR(100) NULL,
  fatality_count    INT NOT NULL DEFAULT 0,
  injury_count      INT NOT NULL DEFAULT 0,
  is_tow_away       TINYINT(1) NOT NULL DEFAULT 0,
  is_hazmat_release TINYINT(1) NOT NULL DEFAULT 0,
  preventability    ENUM('not_reviewed', 'preventable', 'not_preventable') NOT NULL DEFAULT 'not_reviewed',
  weather           VARCHAR(40) NULL,
  created_at        DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at        DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  KEY idx_org_id_created_at (org_id, created_at),
  KEY idx_motor_carrier_id_crashed_on (motor_carrier_id, crashed_on)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE fmcsa_basic_scores (
  id               CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  org_id           CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  motor_carrier_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  basic_category   ENUM('unsafe_driving', 'hours_of_service', 'driver_fitness', 'controlled_substances', 'vehicle_maintenance', 'hazmat') NOT NULL DEFAULT 'unsafe_driving',
  measured_on      DATE NOT NULL,
  measure          DECIMAL(8,3) NOT NULL,
  percentile       DECIMAL(5,2) NULL,
  threshold        DECIMAL(5,2) NOT NULL,
  is_alert         TINYINT(1) NOT NULL DEFAULT 0,
  inspection_count INT NOT NULL DEFAULT 0,
  created_at       DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at       DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  KEY idx_org_id_created_at (org_id, created_at),
  KEY idx_motor_carrier_id_basic_category_measured_on (motor_carrier_id, basic_category, measured_on),
  CONSTRAINT chk_fmcsa_basic_scores_percentile CHECK (percentile BETWEEN 0 AND 100)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
