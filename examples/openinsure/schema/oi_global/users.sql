-- People who log in, and what they may do.

CREATE TABLE users (
  id                 CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  email              VARCHAR(254) NOT NULL,
  first_name         VARCHAR(80) NOT NULL,
  last_name          VARCHAR(80) NOT NULL,
  phone              VARCHAR(32) NULL,
  status             ENUM('active', 'invited', 'locked', 'disabled') NOT NULL DEFAULT 'active',
  password_hash      VARCHAR(120) NULL,
  locale             VARCHAR(16) NOT NULL,
  time_zone          VARCHAR(64) NOT NULL,
  is_staff           TINYINT(1) NOT NULL DEFAULT 0,
  last_login_at      DATETIME(3) NULL,
  failed_login_count INT NOT NULL DEFAULT 0,
  preferences        JSON NULL,
  created_at         DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at         DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_email (email),
  KEY idx_status_last_name (status, last_name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE memberships (
  id                 CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  org_id             CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_id            CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  role_id            CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  status             ENUM('active', 'suspended', 'removed') NOT NULL DEFAULT 'active',
  department         VARCHAR(80) NULL,
  job_title          VARCHAR(100) NULL,
  is_default         TINYINT(1) NOT NULL DEFAULT 0,
  invited_by_user_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  joined_at          DATETIME(3) NULL,
  removed_at         DATETIME(3) NULL,
  created_at         DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at         DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_org_id_user_id (org_id, user_id),
  KEY idx_org_id_status (org_id, status),
  KEY idx_user_id (user_id),
  KEY idx_role_id (role_id),
  KEY idx_invited_by_user_id (invited_by_user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE roles (
  id                      CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  org_id                  CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  role_key                VARCHAR(60) NOT NULL,
  name                    VARCHAR(160) NOT NULL,
  description             VARCHAR(500) NULL,
  is_system               TINYINT(1) NOT NULL DEFAULT 0,
  authority_level         TINYINT UNSIGNED NOT NULL DEFAULT 0,
  premium_authority_cents BIGINT NOT NULL DEFAULT 0,
  created_at              DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at              DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_org_id_role_key (org_id, role_key)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE permissions (
  id             CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  permission_key VARCHAR(80) NOT NULL,
  resource       VARCHAR(60) NOT NULL,
  action         ENUM('read', 'create', 'update', 'delete', 'approve', 'issue') NOT NULL DEFAULT 'read',
  description    VARCHAR(500) NULL,
  is_sensitive   TINYINT(1) NOT NULL DEFAULT 0,
  risk_level     VARCHAR(20) NOT NULL DEFAULT 'low',
  created_at     DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at     DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_permission_key (permission_key),
  KEY idx_resource_action (resource, action),
  CONSTRAINT chk_permissions_risk_level CHECK (risk_level IN ('low', 'medium', 'high'))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE role_permissions (
  id                 CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  role_id            CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  permission_id      CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  effect             ENUM('allow', 'deny') NOT NULL DEFAULT 'allow',
  conditions         JSON NULL,
  granted_by_user_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  granted_at         DATETIME(3) NOT NULL,
  created_at         DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at         DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_role_id_permission_id (role_id, permission_id),
  KEY idx_permission_id (permission_id),
  KEY idx_granted_by_user_id (granted_by_user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE user_sessions (
  id           CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_id      CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  org_id       CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  session_hash CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  ip_address   VARCHAR(45) NOT NULL,
  user_agent   VARCHAR(300) NULL,
  started_at   DATETIME(3) NOT NULL,
  last_seen_at DATETIME(3) NOT NULL,
  expires_at   DATETIME(3) NOT NULL,
  revoked_at   DATETIME(3) NULL,
  created_at   DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at   DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_session_hash (session_hash),
  KEY idx_user_id_expires_at (user_id, expires_at),
  KEY idx_org_id (org_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE user_invitations (
  id                 CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  org_id             CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  email              VARCHAR(254) NOT NULL,
  role_id            CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  invited_by_user_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  token_hash         CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  status             ENUM('pending', 'accepted', 'expired', 'revoked') NOT NULL DEFAULT 'pending',
  expires_at         DATETIME(3) NOT NULL,
  accepted_at        DATETIME(3) NULL,
  accepted_user_id   CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  created_at         DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at         DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_token_hash (token_hash),
  KEY idx_org_id_status (org_id, status),
  KEY idx_email (email),
  KEY idx_role_id (role_id),
  KEY idx_invited_by_user_id (invited_by_user_id),
  KEY idx_accepted_user_id (accepted_user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE user_mfa_devices (
  id           CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_id      CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  device_type  VARCHAR(20) NOT NULL DEFAULT 'totp',
  device_name  VARCHAR(160) NOT NULL,
  secret_ref   VARCHAR(200) NOT NULL,
  is_primary   TINYINT(1) NOT NULL DEFAULT 0,
  verified_at  DATETIME(3) NULL,
  last_used_at DATETIME(3) NULL,
  disabled_at  DATETIME(3) NULL,
  created_at   DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at   DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  KEY idx_user_id_device_type (user_id, device_type),
  CONSTRAINT chk_user_mfa_devices_device_type CHECK (device_type IN ('totp', 'webauthn', 'sms'))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE user_notification_preferences (
  id          CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_id     CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  org_id      CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  event_key   VARCHAR(80) NOT NULL,
  channel     VARCHAR(20) NOT NULL DEFAULT 'email',
  is_enabled  TINYINT(1) NOT NULL DEFAULT 0,
  digest      ENUM('immediate', 'daily', 'weekly') NOT NULL DEFAULT 'immediate',
  quiet_from  TIME NULL,
  quiet_until TIME NULL,
  created_at  DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at  DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY uq_user_id_org_id_event_key_channel (user_id, org_id, event_key, channel),
  KEY idx_org_id (org_id),
  CONSTRAINT chk_user_notification_preferences_channel CHECK (channel IN ('email', 'sms', 'in_app', 'webhook'))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
