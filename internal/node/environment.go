package node

import (
	"context"
	"net/url"

	"github.com/orrerydb/orrery/internal/config"
	"github.com/orrerydb/orrery/internal/engine"
	"github.com/orrerydb/orrery/internal/platform"
	"github.com/orrerydb/orrery/internal/platform/store"
)

// Variable is one line of the environment.
type Variable struct{ Name, Value string }

// Operator is how the person who runs a node reaches its API.
type Operator struct {
	Running
	TokenID string
	Token   string
}

// Operator returns the way to the API of the node that runs on this folder.
func (f Folder) Operator() (Operator, error) {
	running, err := f.Running()
	if err != nil {
		return Operator{}, err
	}
	key, err := f.key()
	if err != nil {
		return Operator{}, err
	}
	id, token := platform.OperatorToken(key)
	return Operator{Running: running, TokenID: id, Token: token}, nil
}

// Environment is what clients of the running node need: the names that
// PlanetScale's tools read, and a URL for each binding under its own name.
// Nothing of it is stored: it is derived from the key each time.
func (f Folder) Environment(ctx context.Context) ([]Variable, error) {
	operator, err := f.Operator()
	if err != nil {
		return nil, err
	}
	variables := []Variable{
		{"PLANETSCALE_API_URL", operator.API + "/"},
		{"PLANETSCALE_ORG", operator.Organization},
		{"PLANETSCALE_SERVICE_TOKEN_ID", operator.TokenID},
		{"PLANETSCALE_SERVICE_TOKEN", operator.Token},
		{"SSL_CERT_FILE", f.Bundle()},
	}
	c, err := config.Read(operator.Config...)
	if err != nil {
		return nil, err
	}
	bound, err := f.bindings(ctx, c)
	if err != nil {
		return nil, err
	}
	for _, b := range bound {
		variables = append(variables, Variable{b.Name, bindingURL(operator.Running, b)})
	}
	return variables, nil
}

func (f Folder) bindings(ctx context.Context, c *config.Config) ([]*platform.BoundCredential, error) {
	key, err := f.key()
	if err != nil {
		return nil, err
	}
	address := c.Store
	if address == "" {
		address = f.path("orrery.db")
	}
	s, err := store.Open(ctx, address)
	if err != nil {
		return nil, err
	}
	defer s.Close() //nolint:errcheck // only read
	p := platform.New(s, map[platform.Kind]engine.Engine{}, platform.Settings{Organization: c.Organization}, nil)
	defer p.Close()
	var bound []*platform.BoundCredential
	for _, b := range c.Bindings {
		credential, err := p.BoundCredential(ctx, binding(b), key)
		if err != nil {
			return nil, err
		}
		bound = append(bound, credential)
	}
	return bound, nil
}

func bindingURL(r Running, b *platform.BoundCredential) string {
	u := url.URL{User: url.UserPassword(b.Username, b.Password)}
	if b.Kind == platform.Postgres {
		u.Scheme, u.Host, u.Path = "postgresql", r.Postgres, "/postgres"
		return u.String()
	}
	u.Scheme, u.Host, u.Path = "mysql", r.MySQL, "/"+b.Keyspace
	return u.String()
}
