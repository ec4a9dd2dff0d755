package instance

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
)

// Binaries are the folders of the servers' programs.
type Binaries struct {
	MySQL    string
	Postgres string
}

// CacheFolder is where installed servers and data templates are kept:
// $ORRERY_CACHE, else the user's cache folder.
func CacheFolder() (string, error) {
	if folder := os.Getenv("ORRERY_CACHE"); folder != "" {
		return folder, nil
	}
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache folder (set ORRERY_CACHE): %w", err)
	}
	return filepath.Join(base, "orrery"), nil
}

var mysqlVersion = regexp.MustCompile(`Ver (\d+)\.(\d+)`)

// FindMySQL returns the folder of mysqld 8.0 or newer: on PATH, else where
// scripts/install-mysql puts it. MariaDB is passed over: it is another server.
func FindMySQL(ctx context.Context) (string, error) {
	reason := "no mysqld on PATH"
	if path, err := exec.LookPath("mysqld"); err == nil {
		out, err := exec.CommandContext(ctx, path, "--version").CombinedOutput()
		text := string(out)
		version := mysqlVersion.FindStringSubmatch(text)
		switch {
		case err != nil || version == nil:
			reason = path + " does not tell its version"
		case strings.Contains(text, "MariaDB"):
			reason = path + " is MariaDB, which is not MySQL"
		default:
			if major, err := strconv.Atoi(version[1]); err == nil && major >= 8 {
				return filepath.Dir(path), nil
			}
			reason = path + " is older than 8.0"
		}
	}
	cache, err := CacheFolder()
	if err != nil {
		return "", err
	}
	folder := filepath.Join(cache, "mysql", "bin")
	if executable(filepath.Join(folder, "mysqld")) {
		return folder, nil
	}
	return "", fmt.Errorf("%w: MySQL 8.0 or newer (%s, none in %s): run `make setup`, or install your distribution's mysql-server", ErrNoServer, reason, folder)
}

// FindPostgres returns the folder of the newest postgres that is 15 or newer.
func FindPostgres(context.Context) (string, error) {
	folders, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", err
	}
	sort.Slice(folders, func(i, j int) bool { return postgresMajor(folders[i]) > postgresMajor(folders[j]) })
	for _, folder := range folders {
		if postgresMajor(folder) >= 15 && executable(filepath.Join(folder, "initdb")) && executable(filepath.Join(folder, "postgres")) {
			return folder, nil
		}
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	return "", fmt.Errorf("%w: PostgreSQL 15 or newer (none in /usr/lib/postgresql): run `make setup`, or install your distribution's postgresql", ErrNoServer)
}

func postgresMajor(folder string) int {
	major, err := strconv.Atoi(filepath.Base(filepath.Dir(folder)))
	if err != nil {
		return 0
	}
	return major
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir() && info.Mode()&0o111 != 0
}
