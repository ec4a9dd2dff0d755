-- Reference data that every keyspace reads and none of the tenants owns.

CREATE TABLE states (
  id                       CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  code                     CHAR(2) NOT NULL,
  name                     VARCHAR(160) NOT NULL,
  country_code             CHAR(2) NOT NULL DEFAULT 'US',
  fips_code                CHAR(2) NOT NULL,
  region                   ENUM('northeast', 'midwest', 'south', 'west', 'territory') NOT NULL DEFAULT 'northeast',
  premium_tax_rate         DECIMAL(9,6) NOT NULL DEFAULT 0,
  minimum_liability_cents  BIGINT NOT NULL DEFAULT 0,
  is_no_fault              TINYINT(1) NOT NULL DEFAULT 0,
  is_monopolistic_wc       TINYINT(1) NOT NULL DEFAULT 0,
  cancellation_notice_days INT NOT NULL DEFAULT 0,
  nonrenewal_notice_days   INT NOT NULL DEFAULT 0,
  created_at               DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at               DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_code (code)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE counties (
  id                CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  state_id          CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  fips_code         CHAR(5) NOT NULL,
  name              VARCHAR(160) NOT NULL,
  state_code        CHAR(2) NOT NULL,
  population        INT UNSIGNED NOT NULL DEFAULT 0,
  is_coastal        TINYINT(1) NOT NULL DEFAULT 0,
  litigation_factor DECIMAL(6,4) NOT NULL,
  latitude          DECIMAL(9,6) NULL,
  longitude         DECIMAL(9,6) NULL,
  created_at        DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at        DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_fips_code (fips_code),
  KEY idx_state_code_name (state_code, name),
  KEY idx_state_id (state_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE zip_territories (
  id                     CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  postal_code            VARCHAR(12) NOT NULL,
  county_id              CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  state_code             CHAR(2) NOT NULL,
  city                   VARCHAR(100) NOT NULL,
  territory_code         VARCHAR(40) NOT NULL,
  liability_factor       DECIMAL(6,4) NOT NULL,
  physical_damage_factor DECIMAL(6,4) NOT NULL,
  effective_on           DATE NOT NULL,
  expires_on             DATE NULL,
  created_at             DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at             DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_postal_code_effective_on (postal_code, effective_on),
  KEY idx_state_code_territory_code (state_code, territory_code),
  KEY idx_county_id (county_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE vehicle_classes (
  id               CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  class_code       VARCHAR(40) NOT NULL,
  name             VARCHAR(160) NOT NULL,
  body_type        ENUM('tractor', 'straight_truck', 'box_truck', 'dump_truck', 'trailer', 'tow_truck', 'van', 'pickup') NOT NULL DEFAULT 'tractor',
  gvw_min_lbs      INT UNSIGNED NOT NULL,
  gvw_max_lbs      INT UNSIGNED NOT NULL,
  radius_class     VARCHAR(20) NOT NULL DEFAULT 'local',
  business_use     ENUM('service', 'retail', 'commercial') NOT NULL DEFAULT 'service',
  primary_factor   DECIMAL(6,4) NOT NULL,
  secondary_factor DECIMAL(6,4) NOT NULL,
  created_at       DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at       DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_class_code (class_code),
  CONSTRAINT chk_vehicle_classes_radius_class CHECK (radius_class IN ('local', 'intermediate', 'long_haul')),
  CONSTRAINT chk_vehicle_classes_gvw_max_lbs CHECK (gvw_max_lbs >= gvw_min_lbs)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE coverage_types (
  id               CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  coverage_code    VARCHAR(40) NOT NULL,
  name             VARCHAR(160) NOT NULL,
  line_of_business ENUM('commercial_auto', 'motor_truck_cargo', 'general_liability', 'excess') NOT NULL DEFAULT 'commercial_auto',
  coverage_part    ENUM('liability', 'first_party', 'physical_damage', 'cargo') NOT NULL DEFAULT 'liability',
  applies_to       ENUM('policy', 'vehicle') NOT NULL DEFAULT 'policy',
  iso_symbol       VARCHAR(10) NULL,
  is_statutory     TINYINT(1) NOT NULL DEFAULT 0,
  sort_order       INT NOT NULL DEFAULT 0,
  statutory_line   VARCHAR(10) NOT NULL,
  created_at       DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at       DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_coverage_code (coverage_code)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE policy_forms (
  id               CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  form_number      VARCHAR(40) NOT NULL,
  edition_date     CHAR(5) NOT NULL,
  title            VARCHAR(200) NOT NULL,
  form_type        ENUM('declarations', 'coverage', 'endorsement', 'notice', 'schedule') NOT NULL DEFAULT 'declarations',
  line_of_business ENUM('commercial_auto', 'motor_truck_cargo', 'general_liability', 'excess') NOT NULL DEFAULT 'commercial_auto',
  issuer           ENUM('iso', 'carrier', 'mga') NOT NULL DEFAULT 'iso',
  template_url     VARCHAR(500) NULL,
  page_count       INT NOT NULL DEFAULT 0,
  status           ENUM('active', 'withdrawn') NOT NULL DEFAULT 'active',
  created_at       DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at       DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_form_number_edition_date (form_number, edition_date)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE cause_of_loss_codes (
  id                       CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  cause_code               VARCHAR(40) NOT NULL,
  name                     VARCHAR(160) NOT NULL,
  category                 ENUM('collision', 'comprehensive', 'cargo', 'liability', 'weather', 'theft', 'injury') NOT NULL DEFAULT 'collision',
  iso_code                 VARCHAR(10) NULL,
  is_catastrophe_eligible  TINYINT(1) NOT NULL DEFAULT 0,
  default_severity         VARCHAR(20) NOT NULL DEFAULT 'low',
  reserve_suggestion_cents BIGINT NOT NULL DEFAULT 0,
  sort_order               INT NOT NULL DEFAULT 0,
  created_at               DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at               DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_cause_code (cause_code),
  CONSTRAINT chk_cause_of_loss_codes_default_severity CHECK (default_severity IN ('low', 'medium', 'high'))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
