package api

import (
	"strings"
	"time"

	"github.com/orrerydb/orrery/internal/platform"
)

func (a *API) passwordView(b *platform.Branch) func(*platform.Password) object {
	return func(w *platform.Password) object {
		var ttl any
		if w.TTL > 0 {
			ttl = w.TTL
		}
		view := object{
			"id": w.ID, "type": "Password", "name": w.Name, "role": w.Role, "cidrs": list(w.CIDRs), "created_at": when(w.CreatedAt), "deleted_at": nil,
			"expires_at": stamp(w.ExpiresAt), "last_used_at": nil, "expired": w.Expired(time.Now()), "direct_vtgate": false,
			"direct_vtgate_addresses": []string{}, "ttl_seconds": ttl, "access_host_url": a.urls.MySQL, "access_host_regional_url": a.urls.MySQL,
			"access_host_regional_urls": []string{}, "actor": actorView(&w.Actor), "region": region, "username": w.Username, "plain_text": nil,
			"replica": w.Replica, "renewable": w.Renewable(),
			"database_branch": object{"name": b.Name, "id": b.ID, "production": b.Production, "mysql_edge_address": a.urls.MySQL, "private_edge_connectivity": false},
		}
		if w.PlainText != "" {
			view["plain_text"] = w.PlainText
		}
		return view
	}
}

func (a *API) passwords(c *call) (answer, error) {
	b, all, err := a.platform.Passwords(c.Context(), c.org(), c.database(), c.branch())
	if err != nil {
		return answer{}, err
	}
	return page(c, all, a.passwordView(b))
}

func (a *API) password(c *call) (answer, error) {
	b, w, err := a.platform.Password(c.Context(), c.org(), c.database(), c.branch(), c.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	return ok(a.passwordView(b)(w)), nil
}

func (a *API) createPassword(c *call) (answer, error) {
	var body struct {
		Name    string        `json:"name"`
		Role    platform.Role `json:"role"`
		TTL     int64         `json:"ttl"`
		Replica bool          `json:"replica"`
		CIDRs   []string      `json:"cidrs"`
	}
	if err := c.read(&body); err != nil {
		return answer{}, err
	}
	if err := a.mayConnect(c, "connect", body.Role == platform.Reader); err != nil {
		return answer{}, err
	}
	b, w, err := a.platform.CreatePassword(c.Context(), c.org(), c.database(), c.branch(), c.actor, platform.NewPassword(body))
	if err != nil {
		return answer{}, err
	}
	return created(a.passwordView(b)(w)), nil
}

// mayConnect checks the access by the kind of branch: what is for development
// branches opens no production branch, and what is for reading only makes no
// credential that writes. verb is connect, create or delete.
func (a *API) mayConnect(c *call, verb string, reads bool) error {
	_, b, err := a.platform.Branch(c.Context(), c.org(), c.database(), c.branch())
	if err != nil {
		return err
	}
	suffix := "_branch_password"
	if verb == "connect" {
		suffix = "_branch"
	}
	accesses := []string{verb + suffix}
	if b.Production {
		accesses = []string{verb + "_production" + suffix}
		if reads {
			accesses = append(accesses, verb+"_production_read_only"+suffix)
		}
	}
	if c.token.May(c.database(), accesses) {
		return nil
	}
	return &platform.Error{Code: platform.Forbidden, Message: "the service token lacks access for this branch: it needs " + strings.Join(accesses, " or ")}
}

func (a *API) updatePassword(c *call) (answer, error) {
	var body struct {
		Name  *string   `json:"name"`
		CIDRs *[]string `json:"cidrs"`
	}
	if err := c.read(&body); err != nil {
		return answer{}, err
	}
	b, w, err := a.platform.UpdatePassword(c.Context(), c.org(), c.database(), c.branch(), c.PathValue("id"), c.actor, body.Name, body.CIDRs)
	if err != nil {
		return answer{}, err
	}
	return ok(a.passwordView(b)(w)), nil
}

func (a *API) renewPassword(c *call) (answer, error) {
	b, w, err := a.platform.RenewPassword(c.Context(), c.org(), c.database(), c.branch(), c.PathValue("id"), c.actor)
	if err != nil {
		return answer{}, err
	}
	return ok(a.passwordView(b)(w)), nil
}

func (a *API) deletePassword(c *call) (answer, error) {
	_, w, err := a.platform.Password(c.Context(), c.org(), c.database(), c.branch(), c.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	if err := a.mayConnect(c, "delete", w.Role == platform.Reader); err != nil {
		return answer{}, err
	}
	return empty(), a.platform.DeletePassword(c.Context(), c.org(), c.database(), c.branch(), c.PathValue("id"), c.actor)
}
