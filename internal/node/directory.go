package node

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"

	"github.com/orrerydb/orrery/internal/gateway"
	"github.com/orrerydb/orrery/internal/platform"
)

// directory answers the gateway from the platform. Sessions of one credential
// share one value of it.
type directory struct {
	platform *platform.Platform
	shared   *sync.Map // user name → *gateway.Credential
}

// Resolve implements gateway.Directory.
func (d directory) Resolve(ctx context.Context, protocol gateway.Protocol, username string) (*gateway.Credential, error) {
	resolve := d.platform.ResolvePassword
	if protocol == gateway.Postgres {
		resolve = d.platform.ResolveRole
	}
	c, err := resolve(ctx, username)
	if refusal, ok := errors.AsType[*platform.Error](err); ok {
		if protocol == gateway.Postgres && refusal.Code == platform.NotFound {
			return nil, fmt.Errorf("%w: %s", gateway.ErrUnknownBranch, refusal.Message)
		}
		return nil, fmt.Errorf("%w: %s", gateway.ErrUnknownUser, refusal.Message)
	}
	if err != nil {
		return nil, err
	}
	credential := &gateway.Credential{
		ID: c.ID, Username: c.Username, Role: gateway.Role(c.Role), Protocol: protocol, SCRAM: c.SCRAM, Keyspace: c.Keyspace,
		Replica: c.Replica, CIDRs: c.CIDRs, PoolSize: c.PoolSize, Revoked: c.Revoked,
		Branch: &gateway.Branch{
			ID: c.Branch.ID, Name: c.Branch.Name, Database: c.Database.Name, Organization: c.Organization, Production: c.Branch.Production,
			DefaultKeyspace: defaultKeyspace(c), Keyspaces: c.Keyspaces, SafeMigrations: c.SafeMigrations, Locate: c.Locate,
		},
	}
	copy(credential.NativeHash[:], c.NativeHash)
	copy(credential.SHA256Hash[:], c.SHA256Hash)
	return d.share(credential), nil
}

// share returns the value that other sessions have, if it still says the same.
func (d directory) share(c *gateway.Credential) *gateway.Credential {
	known, found := d.shared.Load(c.Username)
	if found && same(known.(*gateway.Credential), c) { //nolint:forcetypeassert // only credentials are stored
		return known.(*gateway.Credential) //nolint:forcetypeassert // as above
	}
	d.shared.Store(c.Username, c)
	return c
}

func same(a, b *gateway.Credential) bool {
	return a.ID == b.ID && a.Revoked == b.Revoked && a.Role == b.Role && a.NativeHash == b.NativeHash && a.SHA256Hash == b.SHA256Hash &&
		a.SCRAM == b.SCRAM && a.Keyspace == b.Keyspace && a.Replica == b.Replica && a.PoolSize == b.PoolSize && slices.Equal(a.CIDRs, b.CIDRs) &&
		a.Branch.Name == b.Branch.Name && a.Branch.Production == b.Branch.Production && a.Branch.DefaultKeyspace == b.Branch.DefaultKeyspace
}

// defaultKeyspace is the one that there is; of several, none.
func defaultKeyspace(c *platform.Credential) string {
	if keyspaces := c.Keyspaces(); len(keyspaces) == 1 {
		return keyspaces[0]
	}
	return ""
}

// Endpoint implements gateway.Directory.
func (d directory) Endpoint(ctx context.Context, credential *gateway.Credential) (gateway.Endpoint, error) {
	protocol := platform.MySQL
	if credential.Protocol == gateway.Postgres {
		protocol = platform.Postgres
	}
	e, err := d.platform.Endpoint(ctx, protocol, credential.Branch.ID, credential.Username, string(credential.Role))
	if err != nil {
		return gateway.Endpoint{}, fmt.Errorf("%w: %w", gateway.ErrUnavailable, err)
	}
	endpoint := gateway.Endpoint{Network: e.Network, Address: e.Address, User: e.User, Password: e.Password}
	if e.TLS {
		host, _, err := net.SplitHostPort(e.Address)
		if err != nil {
			host = e.Address
		}
		endpoint.TLS = &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	}
	return endpoint, nil
}
