// Package deploy is the deployment state machine.
//
// A deployment is the way one deploy request's plan reaches its target branch.
// Its state is PlanetScale's deployment_state. Invariants:
//   - Every step is written to the store before it is taken, so a process that
//     is killed at any point goes on from the record and the live schema.
//   - One deployment a database is active at a time; the rest wait in the order
//     in which they were queued.
//   - What the record says of the target is true: an operation is complete only
//     when the live schema shows it.
package deploy

import (
	"slices"
	"time"

	"github.com/orrerydb/orrery/internal/schema"
)

// State is PlanetScale's deployment_state.
type State string

const (
	Pending               State = "pending"
	Ready                 State = "ready"
	NoChanges             State = "no_changes"
	Error                 State = "error" // cannot be deployed: lint errors or a conflict
	Queued                State = "queued"
	Submitting            State = "submitting"
	InProgress            State = "in_progress"
	PendingCutover        State = "pending_cutover"
	InProgressCutover     State = "in_progress_cutover"
	InProgressCancel      State = "in_progress_cancel"
	InProgressRevert      State = "in_progress_revert"
	Complete              State = "complete"
	CompleteCancel        State = "complete_cancel"
	CompleteError         State = "complete_error"
	CompletePendingRevert State = "complete_pending_revert"
	CompleteRevert        State = "complete_revert"
	CompleteRevertError   State = "complete_revert_error"
	Cancelled             State = "cancelled"
)

// active states hold the database's queue.
var active = []State{
	Queued, Submitting, InProgress, PendingCutover, InProgressCutover, InProgressCancel,
	InProgressRevert, CompletePendingRevert, CompleteError,
}

// Active tells whether a deployment in this state holds the queue of its database.
func (s State) Active() bool { return slices.Contains(active, s) }

// Ended tells whether nothing will happen to the deployment any more.
func (s State) Ended() bool { return slices.Contains(EndedStates, s) }

// EndedStates are those in which a deployment stays.
var EndedStates = []State{Complete, CompleteCancel, CompleteRevert, CompleteRevertError, Cancelled}

// Finished tells that the schema reached the target, and stays or may stay.
func (s State) Finished() bool { return s == Complete || s == CompletePendingRevert }

// Actor is who did something.
type Actor struct {
	ID          string `json:"id"`
	Type        string `json:"type"` // User or ServiceToken
	DisplayName string `json:"display_name"`
}

// Deployment is one plan on its way to one branch.
type Deployment struct {
	ID         string `bun:",pk"`
	DatabaseID string
	Number     int64 // of the deploy request
	HeadID     string
	IntoID     string
	IntoBranch string
	State      State

	AutoCutover      bool
	AutoDeleteBranch bool
	InstantDDL       bool
	InstantEligible  bool

	Plan schema.Plan `bun:"type:text"`
	// Original is the target's schema before the deployment: what a revert or a
	// roll-back goes to.
	Original schema.Snapshot `bun:"type:text"`
	// Head is the branch's schema that the plan was made from, Ancestor what it
	// was compared with.
	Head       schema.Snapshot    `bun:"type:text"`
	Ancestor   schema.Snapshot    `bun:"type:text"`
	LintErrors []schema.LintError `bun:"type:text"`
	// CheckErrors says why the plan cannot be deployed, when lint does not.
	CheckErrors string
	// Failure is the statement that failed and the server's words.
	Failure string

	// What has been asked for and not yet happened.
	CutoverAsked    bool
	CancelAsked     bool
	SkipRevertAsked bool

	Actor          Actor  `bun:"type:text"`
	CutoverActor   *Actor `bun:"type:text"`
	CancelledActor *Actor `bun:"type:text"`

	CreatedAt       time.Time
	UpdatedAt       time.Time
	QueuedAt        *time.Time
	SubmittedAt     *time.Time
	StartedAt       *time.Time
	ReadyAt         *time.Time // to cut over
	CutoverAt       *time.Time
	FinishedAt      *time.Time
	RevertExpiresAt *time.Time
}

// OperationState is PlanetScale's state of a deploy operation.
type OperationState string

const (
	OperationPending    OperationState = "pending"
	OperationQueued     OperationState = "queued"
	OperationInProgress OperationState = "in_progress"
	OperationComplete   OperationState = "complete"
	OperationCancelled  OperationState = "cancelled"
	OperationError      OperationState = "error"
)

// Operation is one statement of a deployment and how far it is.
type Operation struct {
	ID           string `bun:",pk"`
	DeploymentID string
	Position     int64
	State        OperationState
	Change       schema.Operation `bun:"type:text"`
	Progress     int64            // percent
	Failure      string
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// Revertible tells whether the deployment gets a revert window.
func (d *Deployment) Revertible() bool {
	return len(d.Plan.Operations) > 0 && d.Plan.Reverse != nil && !d.InstantDDL
}
