package instance

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-sql-driver/mysql" // its driver is the probe: ready means that it answers a query
)

// mysqlOptions are the settings of a managed mysqld. They are small on purpose:
// an idle branch costs about 165 MB, and a laptop runs several.
// Row images are full and GTIDs on, because online changes read the binlog.
func mysqlOptions(spec Spec) []string {
	options := []string{
		"--no-defaults",
		"--skip-networking", "--mysqlx=0", "--performance-schema=OFF",
		"--innodb-buffer-pool-size=64M", "--innodb-log-buffer-size=1M", "--innodb-redo-log-capacity=64M",
		"--innodb-use-native-aio=0",
		"--table-open-cache=800", "--table-definition-cache=600", "--max-connections=300",
		"--max-allowed-packet=1G",
		"--secure-file-priv=NULL", "--local-infile=ON",
		"--character-set-server=utf8mb4", "--collation-server=utf8mb4_0900_ai_ci",
		"--gtid-mode=ON", "--enforce-gtid-consistency=ON", "--log-bin=binlog",
		"--binlog-format=ROW", "--binlog-row-image=FULL", "--binlog-row-metadata=FULL",
		"--binlog-expire-logs-seconds=86400", "--max-binlog-size=128M",
		"--log-error-verbosity=2",
	}
	if spec.Durable {
		return append(options, "--innodb-flush-log-at-trx-commit=1", "--sync-binlog=1")
	}
	return append(options, "--innodb-flush-log-at-trx-commit=2", "--sync-binlog=0", "--innodb-doublewrite=OFF")
}

func (m *Manager) mysqlInitialise(ctx context.Context, folder string) error {
	program := filepath.Join(m.binaries.MySQL, "mysqld")
	arguments := append(mysqlOptions(Spec{Kind: MySQL}), "--innodb-redo-log-capacity=16M",
		"--initialize-insecure", "--datadir="+folder, "--log-error="+folder+".log")
	if err := run(ctx, account{}, program, arguments...); err != nil {
		log, _ := os.ReadFile(folder + ".log")
		return fmt.Errorf("%w: %s", err, lastLines(string(log)))
	}
	// Each server makes its own id and certificates from here on; a binlog of
	// the template would only confuse its readers.
	return os.Remove(filepath.Join(folder, "auto.cnf"))
}

func (m *Manager) mysqlCommand(s *server) (string, []string) {
	arguments := append(mysqlOptions(s.spec),
		"--datadir="+s.data(), "--socket="+s.socket.Path,
		"--pid-file="+filepath.Join(s.socket.Folder, "mysqld.pid"), "--log-error="+s.log())
	return filepath.Join(m.binaries.MySQL, "mysqld"), arguments
}

func mysqlProbe(ctx context.Context, s *server) error {
	config := mysql.NewConfig()
	config.Net, config.Addr, config.User = "unix", s.socket.Path, s.socket.User
	config.Logger = silent{}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	var one int
	return db.QueryRowContext(ctx, "SELECT 1").Scan(&one)
}

type silent struct{}

func (silent) Print(...any) {}

func lastLines(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-5):], "\n")
}
