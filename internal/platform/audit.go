package platform

import (
	"context"
	"time"

	"github.com/orrerydb/orrery/internal/deploy"
)

// AuditEvent is one line of the audit log.
type AuditEvent struct {
	ID             string `bun:",pk"`
	Position       int64
	OrganizationID string
	Actor          Actor  `bun:"type:text"`
	Action         string // "branch.created"
	TargetType     string
	TargetID       string
	TargetName     string
	Metadata       map[string]string `bun:"type:text"`
	CreatedAt      time.Time
}

// audit records what somebody did. It has happened already, so a failing
// record is logged and does not undo it.
func (p *Platform) audit(ctx context.Context, actor Actor, action, targetType, targetID, targetName string, metadata map[string]string) {
	o, err := p.Organization(ctx, p.settings.Organization)
	if err == nil {
		err = p.store.Insert(ctx, &AuditEvent{
			ID: deploy.NewID(), Position: time.Now().UnixNano(), OrganizationID: o.ID, Actor: actor, Action: action,
			TargetType: targetType, TargetID: targetID, TargetName: targetName, Metadata: metadata, CreatedAt: p.now(),
		})
	}
	if err != nil {
		p.log.Error("audit log", "action", action, "error", err)
	}
}

// AuditLog returns the organization's events, newest first.
func (p *Platform) AuditLog(ctx context.Context, organization, action string) ([]*AuditEvent, error) {
	o, err := p.Organization(ctx, organization)
	if err != nil {
		return nil, err
	}
	by := []By{{"organization_id", o.ID}}
	if action != "" {
		by = append(by, By{"action", action})
	}
	var events []*AuditEvent
	return events, p.store.List(ctx, &events, "position DESC", by...)
}
