package platform

import (
	"context"
	"net/netip"
	"time"

	"github.com/orrerydb/orrery/internal/deploy"
)

// Role is what a MySQL password may do.
type Role string

const (
	Reader     Role = "reader"
	Writer     Role = "writer"
	ReadWriter Role = "readwriter"
	Admin      Role = "admin"
)

// DefaultPoolSize is the most backend connections of one credential.
const DefaultPoolSize = 20

// Password is a MySQL credential for one branch.
type Password struct {
	ID         string `bun:",pk"`
	BranchID   string
	Name       string
	Role       Role
	Username   string
	NativeHash []byte // SHA1(SHA1(password))
	SHA256Hash []byte `bun:"sha256_hash"` // SHA256(SHA256(password))
	Replica    bool
	CIDRs      []string `bun:"cidrs,type:text"`
	Keyspace   string   // the one keyspace of a binding; empty: all
	PoolSize   int64
	Binding    string // the binding's name, if it is one's
	TTL        int64  `bun:"ttl"` // seconds; 0: does not expire
	Actor      Actor  `bun:"type:text"`
	CreatedAt  time.Time
	ExpiresAt  *time.Time
	// PlainText is set by Create only.
	PlainText string `bun:"-"`
}

// NewPassword is what a password is made from.
type NewPassword struct {
	Name    string
	Role    Role
	TTL     int64
	Replica bool
	CIDRs   []string
}

// Renewable tells whether Renew means anything.
func (w *Password) Renewable() bool { return w.TTL > 0 }

// Expired at that moment?
func (w *Password) Expired(now time.Time) bool {
	return w.ExpiresAt != nil && !now.Before(*w.ExpiresAt)
}

// Passwords of a branch, newest first. Bindings' are left out: they belong to
// the config.
func (p *Platform) Passwords(ctx context.Context, organization, database, branch string) (*Branch, []*Password, error) {
	_, b, err := p.Branch(ctx, organization, database, branch)
	if err != nil {
		return nil, nil, err
	}
	var all []*Password
	return b, all, p.store.List(ctx, &all, "created_at DESC", By{"branch_id", b.ID}, By{"binding", ""})
}

// Password by id.
func (p *Platform) Password(ctx context.Context, organization, database, branch, id string) (*Branch, *Password, error) {
	_, b, err := p.Branch(ctx, organization, database, branch)
	if err != nil {
		return nil, nil, err
	}
	w := &Password{}
	err = p.store.Get(ctx, w, By{"branch_id", b.ID}, By{"id", id})
	return b, w, found(err, "password %s does not exist in branch %s", id, branch)
}

// CreatePassword makes a credential. Its plain text is in the result and
// nowhere else.
func (p *Platform) CreatePassword(ctx context.Context, organization, database, branch string, actor Actor, asked NewPassword) (*Branch, *Password, error) {
	d, b, err := p.Branch(ctx, organization, database, branch)
	if err != nil {
		return nil, nil, err
	}
	if d.Kind == Postgres {
		return nil, nil, refuse(Unprocessable, "passwords are for MySQL databases; %s is PostgreSQL: create a role instead", database)
	}
	if asked.Role == "" {
		asked.Role = Admin
	}
	switch asked.Role {
	case Reader, Writer, ReadWriter, Admin:
	default:
		return nil, nil, refuse(Invalid, "role %q is not valid: use reader, writer, readwriter or admin", asked.Role)
	}
	if err := validTTL(asked.TTL); err != nil {
		return nil, nil, err
	}
	if err := validCIDRs(asked.CIDRs); err != nil {
		return nil, nil, err
	}
	w := &Password{
		ID: deploy.NewID(), BranchID: b.ID, Name: asked.Name, Role: asked.Role, Username: random(lowerAlphabet, 20),
		Replica: asked.Replica, CIDRs: asked.CIDRs, PoolSize: DefaultPoolSize, TTL: asked.TTL, Actor: actor,
		CreatedAt: p.now(), PlainText: "pscale_pw_" + random(secretAlphabet, secretLength),
	}
	w.hash(w.PlainText)
	w.ExpiresAt = expiry(p.now(), asked.TTL)
	if err := p.store.Insert(ctx, w); err != nil {
		return nil, nil, err
	}
	p.audit(ctx, actor, "password.created", "DatabaseBranchPassword", w.ID, w.Name, map[string]string{"database": d.Name, "branch": b.Name, "role": string(w.Role)})
	return b, w, nil
}

func (w *Password) hash(plain string) {
	w.NativeHash, w.SHA256Hash = nativeHash(plain), sha256Hash(plain)
}

// longestTTL is ten years, in seconds.
const longestTTL = 10 * 365 * 24 * 60 * 60

func validTTL(seconds int64) error {
	if seconds < 0 || seconds > longestTTL {
		return refuse(Invalid, "ttl must be between 0 and %d seconds", int64(longestTTL))
	}
	return nil
}

func expiry(now time.Time, ttl int64) *time.Time {
	if ttl == 0 {
		return nil
	}
	at := now.Add(time.Duration(ttl) * time.Second)
	return &at
}

func validCIDRs(texts []string) error {
	for _, text := range texts {
		if _, err := parseCIDR(text); err != nil {
			return refuse(Invalid, "%q is not an IP address or CIDR range", text)
		}
	}
	return nil
}

func parseCIDR(text string) (netip.Prefix, error) {
	if prefix, err := netip.ParsePrefix(text); err == nil {
		return prefix, nil
	}
	address, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	return address.Prefix(address.BitLen())
}

// RenewPassword starts its time to live again.
func (p *Platform) RenewPassword(ctx context.Context, organization, database, branch, id string, actor Actor) (*Branch, *Password, error) {
	b, w, err := p.Password(ctx, organization, database, branch, id)
	if err != nil {
		return nil, nil, err
	}
	if !w.Renewable() {
		return nil, nil, refuse(Unprocessable, "password %s does not expire and cannot be renewed", id)
	}
	w, err = change(ctx, p.store, w.ID, func(w *Password) error {
		w.ExpiresAt = expiry(p.now(), w.TTL)
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	p.live.expire(w.ID, w.ExpiresAt)
	p.audit(ctx, actor, "password.renewed", "DatabaseBranchPassword", w.ID, w.Name, nil)
	return b, w, nil
}

// UpdatePassword changes its name and the addresses that may use it.
func (p *Platform) UpdatePassword(ctx context.Context, organization, database, branch, id string, actor Actor, name *string, cidrs *[]string) (*Branch, *Password, error) {
	b, w, err := p.Password(ctx, organization, database, branch, id)
	if err != nil {
		return nil, nil, err
	}
	if cidrs != nil {
		if err := validCIDRs(*cidrs); err != nil {
			return nil, nil, err
		}
	}
	w, err = change(ctx, p.store, w.ID, func(w *Password) error {
		set(&w.Name, name)
		set(&w.CIDRs, cidrs)
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	p.audit(ctx, actor, "password.updated", "DatabaseBranchPassword", w.ID, w.Name, nil)
	return b, w, nil
}

// DeletePassword revokes it; sessions that use it end.
func (p *Platform) DeletePassword(ctx context.Context, organization, database, branch, id string, actor Actor) error {
	_, w, err := p.Password(ctx, organization, database, branch, id)
	if err != nil {
		return err
	}
	if err := p.store.Delete(ctx, w); err != nil {
		return err
	}
	p.live.revoke(w.ID)
	p.audit(ctx, actor, "password.deleted", "DatabaseBranchPassword", w.ID, w.Name, nil)
	return nil
}
