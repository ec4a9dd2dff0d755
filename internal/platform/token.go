package platform

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"slices"
	"time"

	"github.com/orrerydb/orrery/internal/deploy"
)

// ServiceToken lets a program use the API.
type ServiceToken struct {
	ID             string `bun:",pk"`
	OrganizationID string
	Name           string
	Hash           []byte        // SHA-256 of the token
	Accesses       []TokenAccess `bun:"type:text"`
	// Operator marks the token of the person who runs this Orrery: it may do
	// everything and acts as a user, the organization's one admin.
	Operator  bool
	TTL       int64 `bun:"ttl"`
	CreatedAt time.Time
	ExpiresAt *time.Time
	// PlainText is set by Create only.
	PlainText string `bun:"-"`
}

// TokenAccess is one right, in the whole organization or in one database.
type TokenAccess struct {
	ID       string `json:"id"`
	Access   string `json:"access"`
	Database string `json:"database"` // name; empty: the organization
}

// Actor is who the token acts as.
func (t *ServiceToken) Actor() Actor {
	if t.Operator {
		return Actor{ID: t.ID, Type: "User", DisplayName: t.Name}
	}
	return Actor{ID: t.ID, Type: "ServiceToken", DisplayName: t.Name}
}

// May tells whether the token has one of the rights, in that database or in
// the whole organization. No rights asked means any valid token.
func (t *ServiceToken) May(database string, anyOf []string) bool {
	if t.Operator || len(anyOf) == 0 {
		return true
	}
	return slices.ContainsFunc(t.Accesses, func(a TokenAccess) bool {
		return (a.Database == "" || a.Database == database) && slices.Contains(anyOf, a.Access)
	})
}

// MayAnywhere tells whether the token has one of the rights in any database.
func (t *ServiceToken) MayAnywhere(anyOf []string) bool {
	return t.Operator || slices.ContainsFunc(t.Accesses, func(a TokenAccess) bool { return slices.Contains(anyOf, a.Access) })
}

// Authenticate returns the token with that id if the secret is its.
func (p *Platform) Authenticate(ctx context.Context, id, secret string) (*ServiceToken, error) {
	t := &ServiceToken{}
	err := p.store.Get(ctx, t, By{"id", id})
	sum := sha256.Sum256([]byte(secret))
	valid := hmac.Equal(sum[:], t.Hash)
	if err != nil || !valid || (t.ExpiresAt != nil && p.now().After(*t.ExpiresAt)) {
		return nil, refuse(Unauthorized, "the service token is not valid, or has expired: check its id and secret")
	}
	return t, nil
}

// ServiceTokens of an organization, without the operator's.
func (p *Platform) ServiceTokens(ctx context.Context, organization string) ([]*ServiceToken, error) {
	o, err := p.Organization(ctx, organization)
	if err != nil {
		return nil, err
	}
	var all []*ServiceToken
	return all, p.store.List(ctx, &all, "created_at", By{"organization_id", o.ID}, By{"operator", false})
}

// ServiceToken by id.
func (p *Platform) ServiceToken(ctx context.Context, organization, id string) (*ServiceToken, error) {
	o, err := p.Organization(ctx, organization)
	if err != nil {
		return nil, err
	}
	t := &ServiceToken{}
	err = p.store.Get(ctx, t, By{"organization_id", o.ID}, By{"id", id}, By{"operator", false})
	return t, found(err, "service token %s does not exist", id)
}

// CreateServiceToken makes a token without rights.
func (p *Platform) CreateServiceToken(ctx context.Context, organization string, actor Actor, name string, ttl int64) (*ServiceToken, error) {
	o, err := p.Organization(ctx, organization)
	if err != nil {
		return nil, err
	}
	if err := validTTL(ttl); err != nil {
		return nil, err
	}
	now := p.now()
	t := &ServiceToken{
		ID: deploy.NewID(), OrganizationID: o.ID, Name: name, TTL: ttl, CreatedAt: now, ExpiresAt: expiry(now, ttl),
		PlainText: "pscale_tkn_" + random(secretAlphabet, secretLength),
	}
	sum := sha256.Sum256([]byte(t.PlainText))
	t.Hash = sum[:]
	if err := p.store.Insert(ctx, t); err != nil {
		return nil, err
	}
	p.audit(ctx, actor, "service_token.created", "ServiceToken", t.ID, t.Name, nil)
	return t, nil
}

// EnsureOperator makes the token of the person who runs this Orrery valid.
// It is derived from the key, so it is the same at every start.
func (p *Platform) EnsureOperator(ctx context.Context, key []byte) (id, secret string, err error) {
	o, err := p.Organization(ctx, p.settings.Organization)
	if err != nil {
		return "", "", err
	}
	id, secret = OperatorToken(key)
	sum := sha256.Sum256([]byte(secret))
	t := &ServiceToken{ID: id, OrganizationID: o.ID, Name: "operator", Hash: sum[:], Operator: true, CreatedAt: p.now()}
	present := &ServiceToken{}
	if p.store.Get(ctx, present, By{"id", id}) == nil {
		t.CreatedAt = present.CreatedAt
		return id, secret, p.store.Save(ctx, t)
	}
	return id, secret, p.store.Insert(ctx, t)
}

// OperatorToken is the operator's token under a key.
func OperatorToken(key []byte) (id, secret string) {
	return Derived(key, "operator token id", lowerAlphabet, 12), "pscale_tkn_" + Derived(key, "operator token", secretAlphabet, secretLength)
}

// DeleteServiceToken revokes a token.
func (p *Platform) DeleteServiceToken(ctx context.Context, organization, id string, actor Actor) error {
	t, err := p.ServiceToken(ctx, organization, id)
	if err != nil {
		return err
	}
	if err := p.store.Delete(ctx, t); err != nil {
		return err
	}
	p.audit(ctx, actor, "service_token.deleted", "ServiceToken", t.ID, t.Name, nil)
	return nil
}

// AddAccess gives a token rights, in one database or (empty) the organization.
func (p *Platform) AddAccess(ctx context.Context, organization, id, database string, actor Actor, accesses []string) (*ServiceToken, error) {
	t, err := p.ServiceToken(ctx, organization, id)
	if err != nil {
		return nil, err
	}
	if database != "" {
		if _, err := p.Database(ctx, organization, database); err != nil {
			return nil, err
		}
	}
	t, err = change(ctx, p.store, t.ID, func(t *ServiceToken) error {
		for _, access := range accesses {
			present := slices.ContainsFunc(t.Accesses, func(a TokenAccess) bool { return a.Access == access && a.Database == database })
			if !present {
				t.Accesses = append(t.Accesses, TokenAccess{ID: deploy.NewID(), Access: access, Database: database})
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	p.audit(ctx, actor, "service_token.granted_access", "ServiceToken", t.ID, t.Name, map[string]string{"database": database})
	return t, nil
}

// RemoveAccess takes rights from a token.
func (p *Platform) RemoveAccess(ctx context.Context, organization, id, database string, actor Actor, accesses []string) error {
	t, err := p.ServiceToken(ctx, organization, id)
	if err != nil {
		return err
	}
	_, err = change(ctx, p.store, t.ID, func(t *ServiceToken) error {
		t.Accesses = slices.DeleteFunc(t.Accesses, func(a TokenAccess) bool {
			return a.Database == database && slices.Contains(accesses, a.Access)
		})
		return nil
	})
	if err != nil {
		return err
	}
	p.audit(ctx, actor, "service_token.deleted_access", "ServiceToken", t.ID, t.Name, map[string]string{"database": database})
	return nil
}
