// Package config reads orrery.yaml.
//
// Every key is checked when the file is read: an unknown key or a wrong value
// is refused with its line and the reason, so that a typing error never
// becomes a default.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4" // the maintained YAML library; its nodes know their lines
)

// Config is one or more files, read together.
type Config struct {
	Organization string
	Listen       Listen
	// Store is "postgres://…", or empty for SQLite in the data folder.
	Store string
	// SleepAfter is how long a development branch may be idle; 0: never sleeps.
	SleepAfter time.Duration
	// ConnectionLimit is the most client connections of the gateway.
	ConnectionLimit int
	Databases       []Database
	Bindings        []Binding
}

// Listen are the addresses of the API and of the gateway.
type Listen struct {
	API      string `yaml:"api"`
	MySQL    string `yaml:"mysql"`
	Postgres string `yaml:"postgresql"`
}

// Database is one database and what its production branch is made from.
type Database struct {
	Name            string
	Engine          string // mysql or postgresql
	Branch          string // the production branch's name
	Keyspaces       []string
	Schema          string // folder, absolute
	SafeMigrations  bool
	RequireApproval bool
	ForeignKeys     bool
	Attached        *Attached
	Tenancy         *Tenancy
}

// Attached is a server that runs without Orrery.
type Attached struct {
	Address  string
	User     string
	Password string
	TLS      bool
}

// Tenancy names what belongs to one organization.
type Tenancy struct {
	Column          string
	ExemptKeyspaces []string
	ExemptTables    []string
}

// Binding is a named entry point.
type Binding struct {
	Name     string
	Database string
	Branch   string // empty: the database's production branch
	Keyspace string
	Role     string
	PoolSize int
}

// Defaults of a config that says nothing.
var defaults = file{
	Organization: "orrery",
	Listen:       Listen{API: "127.0.0.1:8080", MySQL: "127.0.0.1:13306", Postgres: "127.0.0.1:15432"},
	SleepAfter:   "15m",
	Limits:       limits{Connections: 10000},
}

// file is the form of the text.
type file struct {
	Organization string     `yaml:"organization"`
	Listen       Listen     `yaml:"listen"`
	Store        string     `yaml:"store"`
	SleepAfter   string     `yaml:"sleep_after"`
	Limits       limits     `yaml:"limits"`
	Databases    []database `yaml:"databases"`
	Bindings     []binding  `yaml:"bindings"`
}

type limits struct {
	Connections int `yaml:"connections"`
}

type database struct {
	Name            string    `yaml:"name"`
	Engine          string    `yaml:"engine"`
	Branch          string    `yaml:"branch"`
	Keyspaces       []string  `yaml:"keyspaces"`
	Schema          string    `yaml:"schema"`
	SafeMigrations  *bool     `yaml:"safe_migrations"`
	RequireApproval bool      `yaml:"require_approval"`
	ForeignKeys     bool      `yaml:"foreign_keys"`
	Attached        *attached `yaml:"attached"`
	Tenancy         *tenancy  `yaml:"tenancy"`
}

type attached struct {
	Address     string `yaml:"address"`
	User        string `yaml:"user"`
	PasswordEnv string `yaml:"password_env"`
	TLS         bool   `yaml:"tls"`
}

type tenancy struct {
	Column          string   `yaml:"column"`
	ExemptKeyspaces []string `yaml:"exempt_keyspaces"`
	ExemptTables    []string `yaml:"exempt_tables"`
}

type binding struct {
	Name     string `yaml:"name"`
	Database string `yaml:"database"`
	Branch   string `yaml:"branch"`
	Keyspace string `yaml:"keyspace"`
	Role     string `yaml:"role"`
	PoolSize int    `yaml:"pool_size"`
}

// Read reads the files and joins them: databases and bindings add up, the
// rest must agree. No files means the defaults.
func Read(paths ...string) (*Config, error) {
	joined := &reader{result: &Config{}}
	if len(paths) == 0 {
		return joined.finish(defaults)
	}
	for i, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("config: %w", err)
		}
		if err := joined.read(path, text, i == 0); err != nil {
			return nil, err
		}
	}
	return joined.result, joined.checkTogether()
}

// reader reads one file after the other into one config.
type reader struct {
	path   string
	root   yaml.Node
	result *Config
}

func (r *reader) finish(f file) (*Config, error) {
	return r.result, r.globals(f, true)
}

func (r *reader) read(path string, text []byte, first bool) error {
	r.path = path
	r.root = yaml.Node{}
	f := defaults
	if !first {
		f = file{Organization: r.result.Organization, Listen: r.result.Listen, Store: r.result.Store, SleepAfter: r.result.SleepAfter.String(), Limits: limits{r.result.ConnectionLimit}}
	}
	if err := yaml.Unmarshal(text, &r.root); err != nil {
		return fmt.Errorf("config %s: %s", path, plain(err))
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("config %s: %s", path, plain(err))
	}
	if err := r.globals(f, first); err != nil {
		return err
	}
	for i, d := range f.Databases {
		if err := r.database(i, d); err != nil {
			return err
		}
	}
	for i, b := range f.Bindings {
		if err := r.binding(i, b); err != nil {
			return err
		}
	}
	return nil
}

var unknownField = regexp.MustCompile(`field (\S+) not found in type config\.(\w+)`)

// plain says in the config's words what the YAML library says in Go's.
func plain(err error) string {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	text = strings.ReplaceAll(text, "unmarshal errors:\n  ", "")
	text = strings.ReplaceAll(text, "construct errors:\n  ", "")
	text = strings.TrimPrefix(text, "construct errors: ")
	return unknownField.ReplaceAllStringFunc(text, func(match string) string {
		parts := unknownField.FindStringSubmatch(match)
		return fmt.Sprintf("unknown key %q (known here: %s)", parts[1], strings.Join(keys[parts[2]], ", "))
	})
}

// fail says what is wrong with a value, and on which line it is.
func (r *reader) fail(path []any, format string, arguments ...any) error {
	line := ""
	if node := find(&r.root, path); node != nil {
		line = fmt.Sprintf(" line %d:", node.Line)
	}
	return fmt.Errorf("config %s:%s %s", r.path, line, fmt.Sprintf(format, arguments...))
}

// find walks down to the deepest node of the path that the text has.
func find(node *yaml.Node, path []any) *yaml.Node {
	if node.Kind == yaml.DocumentNode && len(node.Content) > 0 {
		node = node.Content[0]
	}
	for _, step := range path {
		next := child(node, step)
		if next == nil {
			return node
		}
		node = next
	}
	return node
}

func child(node *yaml.Node, step any) *yaml.Node {
	switch s := step.(type) {
	case int:
		if node.Kind == yaml.SequenceNode && s < len(node.Content) {
			return node.Content[s]
		}
	case string:
		for i := 0; node.Kind == yaml.MappingNode && i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == s {
				return node.Content[i+1]
			}
		}
	}
	return nil
}

var name = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

func (r *reader) globals(f file, first bool) error {
	if !name.MatchString(f.Organization) {
		return r.fail([]any{"organization"}, "organization %q is not a name: use lower-case letters, digits, '-' and '_'", f.Organization)
	}
	if !first && f.Organization != r.result.Organization {
		return r.fail([]any{"organization"}, "organization is %q here and %q in the file before; one Orrery serves one organization", f.Organization, r.result.Organization)
	}
	for key, address := range map[string]string{"api": f.Listen.API, "mysql": f.Listen.MySQL, "postgresql": f.Listen.Postgres} {
		if _, _, err := net.SplitHostPort(address); err != nil {
			return r.fail([]any{"listen", key}, "listen.%s %q is not host:port", key, address)
		}
	}
	if !first && f.Listen != r.result.Listen {
		return r.fail([]any{"listen"}, "listen differs from the file before")
	}
	if f.Store != "" && !strings.HasPrefix(f.Store, "postgres://") && !strings.HasPrefix(f.Store, "postgresql://") {
		return r.fail([]any{"store"}, "store %q is not a postgres:// URL; leave it out for SQLite in the data folder", f.Store)
	}
	sleep, err := time.ParseDuration(f.SleepAfter)
	if err != nil || sleep < 0 {
		return r.fail([]any{"sleep_after"}, "sleep_after %q is not a duration such as 15m; 0s means never", f.SleepAfter)
	}
	if f.Limits.Connections < 1 {
		return r.fail([]any{"limits", "connections"}, "limits.connections must be at least 1")
	}
	r.result.Organization, r.result.Listen, r.result.Store = f.Organization, f.Listen, f.Store
	r.result.SleepAfter, r.result.ConnectionLimit = sleep, f.Limits.Connections
	return nil
}

var keyspace = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$`)

func (r *reader) database(i int, d database) error {
	at := func(key string) []any { return []any{"databases", i, key} }
	switch {
	case !name.MatchString(d.Name):
		return r.fail(at("name"), "database name %q is not valid: use lower-case letters, digits, '-' and '_'", d.Name)
	case d.Engine != "mysql" && d.Engine != "postgresql":
		return r.fail(at("engine"), "engine %q is not known; use mysql or postgresql", d.Engine)
	case d.Engine == "postgresql" && len(d.Keyspaces) > 0:
		return r.fail(at("keyspaces"), "a PostgreSQL database has no keyspaces; use schemas in it")
	}
	for k, text := range d.Keyspaces {
		if !keyspace.MatchString(text) {
			return r.fail([]any{"databases", i, "keyspaces", k}, "keyspace %q is not a name", text)
		}
		if slices.Contains(d.Keyspaces[:k], text) {
			return r.fail([]any{"databases", i, "keyspaces", k}, "keyspace %q is named twice", text)
		}
	}
	result := Database{
		Name: d.Name, Engine: d.Engine, Branch: orElse(d.Branch, "main"), Keyspaces: d.Keyspaces,
		SafeMigrations:  d.SafeMigrations == nil || *d.SafeMigrations,
		RequireApproval: d.RequireApproval, ForeignKeys: d.ForeignKeys,
	}
	if !name.MatchString(result.Branch) {
		return r.fail(at("branch"), "branch %q is not a name", result.Branch)
	}
	if result.Engine == "mysql" && len(result.Keyspaces) == 0 {
		result.Keyspaces = []string{d.Name}
	}
	if d.Schema != "" {
		folder := d.Schema
		if !filepath.IsAbs(folder) {
			folder = filepath.Join(filepath.Dir(r.path), folder)
		}
		info, err := os.Stat(folder)
		if err != nil || !info.IsDir() {
			return r.fail(at("schema"), "schema folder %s is not there", folder)
		}
		result.Schema = folder
	}
	if d.Attached != nil {
		server, err := r.attached(i, *d.Attached)
		if err != nil {
			return err
		}
		result.Attached = server
	}
	if d.Tenancy != nil {
		if d.Tenancy.Column == "" {
			return r.fail(at("tenancy"), "tenancy needs the column that names the organization, such as org_id")
		}
		for k, text := range d.Tenancy.ExemptKeyspaces {
			if !slices.Contains(result.Keyspaces, text) {
				return r.fail([]any{"databases", i, "tenancy", "exempt_keyspaces", k}, "exempt keyspace %q is no keyspace of %s", text, d.Name)
			}
		}
		result.Tenancy = &Tenancy{Column: d.Tenancy.Column, ExemptKeyspaces: d.Tenancy.ExemptKeyspaces, ExemptTables: d.Tenancy.ExemptTables}
	}
	r.result.Databases = append(r.result.Databases, result)
	return nil
}

func orElse(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

func (r *reader) attached(i int, a attached) (*Attached, error) {
	at := func(key string) []any { return []any{"databases", i, "attached", key} }
	if a.Address == "" {
		return nil, r.fail(at("address"), "attached needs an address: host:port, or the path of a socket")
	}
	if _, _, err := net.SplitHostPort(a.Address); err != nil && !strings.HasPrefix(a.Address, "/") {
		return nil, r.fail(at("address"), "attached address %q is neither host:port nor the path of a socket", a.Address)
	}
	if a.User == "" {
		return nil, r.fail(at("user"), "attached needs a user")
	}
	server := &Attached{Address: a.Address, User: a.User, TLS: a.TLS}
	if a.PasswordEnv != "" {
		value, set := os.LookupEnv(a.PasswordEnv)
		if !set {
			return nil, r.fail(at("password_env"), "environment variable %s is not set", a.PasswordEnv)
		}
		server.Password = value
	}
	return server, nil
}

var bindingName = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,62}$`)

func (r *reader) binding(i int, b binding) error {
	at := func(key string) []any { return []any{"bindings", i, key} }
	result := Binding{Name: b.Name, Database: b.Database, Branch: b.Branch, Keyspace: b.Keyspace, Role: orElse(b.Role, "readwriter"), PoolSize: b.PoolSize}
	if result.PoolSize == 0 {
		result.PoolSize = 20
	}
	switch {
	case !bindingName.MatchString(b.Name):
		return r.fail(at("name"), "binding name %q is not valid: it becomes an environment variable, so use capital letters, digits and '_'", b.Name)
	case !slices.Contains([]string{"reader", "writer", "readwriter", "admin"}, result.Role):
		return r.fail(at("role"), "role %q is not known; use reader, writer, readwriter or admin", b.Role)
	case result.PoolSize < 1 || result.PoolSize > 1500:
		return r.fail(at("pool_size"), "pool_size must be between 1 and 1500")
	}
	position := slices.IndexFunc(r.result.Databases, func(d Database) bool { return d.Name == b.Database })
	if position < 0 {
		return r.fail(at("database"), "binding %s names database %q, which this config does not have", b.Name, b.Database)
	}
	d := r.result.Databases[position]
	result.Branch = orElse(result.Branch, d.Branch)
	if b.Keyspace != "" && !slices.Contains(d.Keyspaces, b.Keyspace) {
		return r.fail(at("keyspace"), "binding %s names keyspace %q, which database %s does not have", b.Name, b.Keyspace, d.Name)
	}
	r.result.Bindings = append(r.result.Bindings, result)
	return nil
}

func (r *reader) checkTogether() error {
	for i, d := range r.result.Databases {
		if slices.ContainsFunc(r.result.Databases[:i], func(other Database) bool { return other.Name == d.Name }) {
			return fmt.Errorf("config: database %q is named twice", d.Name)
		}
	}
	for i, b := range r.result.Bindings {
		if slices.ContainsFunc(r.result.Bindings[:i], func(other Binding) bool { return other.Name == b.Name }) {
			return fmt.Errorf("config: binding %q is named twice", b.Name)
		}
	}
	return nil
}
