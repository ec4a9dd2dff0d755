-- Changes to policies in force.

CREATE TABLE endorsements (
  id                   CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  org_id               CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  policy_id            CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  endorsement_number   VARCHAR(40) NOT NULL,
  endorsement_type     ENUM('add_vehicle', 'remove_vehicle', 'add_driver', 'remove_driver', 'change_limit', 'address_change', 'add_interest') NOT NULL DEFAULT 'add_vehicle',
  status               ENUM('draft', 'pending', 'approved', 'issued', 'declined') NOT NULL DEFAULT 'draft',
  effective_on         DATE NOT NULL,
  premium_change_cents BIGINT NOT NULL DEFAULT 0,
  description          VARCHAR(500) NULL,
  requested_by_user_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  requested_at         DATETIME(3) NOT NULL,
  issued_at            DATETIME(3) NULL,
  created_at           DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at           DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_policy_id_endorsement_number (policy_id, endorsement_number),
  KEY idx_org_id_status_created_at (org_id, status, created_at),
  KEY idx_requested_by_user_id (requested_by_user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE endorsement_changes (
  id                   CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  org_id               CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  endorsement_id       CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  change_no            SMALLINT UNSIGNED NOT NULL,
  entity_type          ENUM('policy', 'vehicle', 'driver', 'coverage', 'location', 'interest') NOT NULL DEFAULT 'policy',
  entity_ref           VARCHAR(60) NOT NULL,
  field_name           VARCHAR(80) NOT NULL,
  old_value            VARCHAR(255) NULL,
  new_value            VARCHAR(255) NULL,
  premium_change_cents BIGINT NOT NULL DEFAULT 0,
  created_at           DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at           DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_endorsement_id_change_no (endorsement_id, change_no),
  KEY idx_org_id_created_at (org_id, created_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE endorsement_forms (
  id             CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  org_id         CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  endorsement_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  policy_form_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  form_number    VARCHAR(40) NOT NULL,
  edition_date   CHAR(5) NOT NULL,
  title          VARCHAR(200) NOT NULL,
  variables      JSON NULL,
  sort_order     INT NOT NULL DEFAULT 0,
  is_printed     TINYINT(1) NOT NULL DEFAULT 0,
  created_at     DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at     DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  KEY idx_org_id_created_at (org_id, created_at),
  KEY idx_endorsement_id (endorsement_id),
  KEY idx_policy_form_id (policy_form_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE endorsement_approvals (
  id                    CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  org_id                CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  endorsement_id        CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  approver_user_id      CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  status                ENUM('pending', 'approved', 'declined', 'escalated') NOT NULL DEFAULT 'pending',
  level_no              TINYINT UNSIGNED NOT NULL DEFAULT 1,
  authority_limit_cents BIGINT NOT NULL DEFAULT 0,
  comment_text          TEXT NULL,
  requested_at          DATETIME(3) NOT NULL,
  decided_at            DATETIME(3) NULL,
  created_at            DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at            DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  KEY idx_org_id_status_created_at (org_id, status, created_at),
  KEY idx_endorsement_id (endorsement_id),
  KEY idx_approver_user_id (approver_user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
