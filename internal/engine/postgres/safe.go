package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/orrerydb/orrery/internal/engine"
)

// The gateway sees statements; a function that runs DDL it does not see. Event
// triggers do, whatever the way. They let our own logins pass, and temporary
// objects, which are no schema.
const installSafe = `
CREATE SCHEMA IF NOT EXISTS _orrery;
CREATE OR REPLACE FUNCTION _orrery.refuse_ddl() RETURNS event_trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $refuse$
DECLARE
	touched boolean;
BEGIN
	IF session_user IN ('orrery', 'orrery_deploy') OR tg_tag IN ('REFRESH MATERIALIZED VIEW', 'REINDEX') THEN
		RETURN;
	END IF;
	IF tg_event = 'sql_drop' THEN
		touched := EXISTS (SELECT FROM pg_event_trigger_dropped_objects() WHERE NOT is_temporary);
	ELSE
		touched := EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE schema_name IS NULL OR schema_name NOT LIKE 'pg\_temp%');
	END IF;
	IF NOT touched THEN
		RETURN;
	END IF;
	RAISE EXCEPTION 'direct DDL is disabled' USING
		ERRCODE = 'insufficient_privilege',
		DETAIL = 'This branch has safe migrations enabled.',
		HINT = 'Make the change on a development branch and open a deploy request to bring it here.';
END
$refuse$;
DROP EVENT TRIGGER IF EXISTS _orrery_safe_end;
DROP EVENT TRIGGER IF EXISTS _orrery_safe_drop;
CREATE EVENT TRIGGER _orrery_safe_end ON ddl_command_end EXECUTE FUNCTION _orrery.refuse_ddl();
CREATE EVENT TRIGGER _orrery_safe_drop ON sql_drop EXECUTE FUNCTION _orrery.refuse_ddl();
`

const removeSafe = `
DROP EVENT TRIGGER IF EXISTS _orrery_safe_end;
DROP EVENT TRIGGER IF EXISTS _orrery_safe_drop;
`

// SetSafe implements engine.Engine. On an attached server the gateway's word
// has to do: event triggers need a superuser.
func (e *Engine) SetSafe(ctx context.Context, b engine.Branch, safe bool) error {
	if b.Attached != nil {
		return nil
	}
	script := removeSafe
	if safe {
		script = installSafe
	}
	return e.administer(ctx, b, func(conn *pgx.Conn) error {
		if _, err := conn.PgConn().Exec(ctx, script).ReadAll(); err != nil {
			return fmt.Errorf("safe migrations: %w", err)
		}
		return nil
	})
}
