package node

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"github.com/orrerydb/orrery/internal/gateway"
	"github.com/orrerydb/orrery/internal/platform"
)

// directory answers the gateway from the platform.
type directory struct{ platform *platform.Platform }

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
			DefaultKeyspace: defaultKeyspace(c), Keyspaces: c.Keyspaces, SafeMigrations: c.SafeMigrations,
		},
	}
	copy(credential.NativeHash[:], c.NativeHash)
	copy(credential.SHA256Hash[:], c.SHA256Hash)
	return credential, nil
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
