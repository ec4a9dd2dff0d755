package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/orrerydb/orrery/internal/schema"
)

// Diff merges by text, then lets the server have the last word on scratch.
func (d *Differ) Diff(ctx context.Context, server schema.Server, ancestor, branch, target schema.Snapshot) (schema.Plan, error) {
	plan := schema.Plan{Operations: []schema.Operation{}}
	reversible := true
	for _, name := range schema.Names(target, branch, ancestor) {
		before := target.Keyspace(name)
		desired, both, err := mergeRespelt(ctx, server, ancestor.Keyspace(name), branch.Keyspace(name), before)
		if err != nil {
			return schema.Plan{}, err
		}
		part, err := planDatabase(ctx, server, before, desired)
		if err != nil {
			return schema.Plan{}, blame(name, both, err)
		}
		plan.Desired.Keyspaces = append(plan.Desired.Keyspaces, part.desired)
		plan.Operations = append(plan.Operations, operations(name, part.forward)...)
		plan.Reverse = append(operations(name, part.backward), plan.Reverse...)
		for _, change := range part.forward {
			plan.RevertNotes = append(plan.RevertNotes, change.notes...)
			plan.Warnings = append(plan.Warnings, change.warnings...)
			reversible = reversible && change.reversal
		}
	}
	if !reversible {
		plan.Reverse = nil
	}
	return plan, nil
}

// mergeRespelt merges again before it reports a conflict, with all three sides
// dumped and restored once: the server spells some expressions differently
// after that (IN lists, casts), and two spellings of one thing are no conflict.
func mergeRespelt(ctx context.Context, server schema.Server, ancestor, branch, target schema.Keyspace) (schema.Keyspace, []string, error) {
	merged, both, err := merge(ancestor, branch, target)
	if err == nil {
		return merged, both, nil
	}
	sides := []schema.Keyspace{ancestor, branch, target}
	removeRoles, roleErr := scratchRoles(ctx, server, sides...)
	if roleErr != nil {
		return schema.Keyspace{}, nil, fmt.Errorf("roles on the scratch server: %w", roleErr)
	}
	defer removeRoles()
	group, groupCtx := errgroup.WithContext(ctx)
	for i, side := range sides {
		group.Go(func() (err error) {
			sides[i], err = respell(groupCtx, server, side)
			return err
		})
	}
	if respellErr := group.Wait(); respellErr != nil {
		return schema.Keyspace{}, nil, fmt.Errorf("copy a schema to scratch: %w", respellErr)
	}
	respelt, respeltBoth, respeltErr := merge(sides[0], sides[1], sides[2])
	if respeltErr != nil {
		return schema.Keyspace{}, nil, err
	}
	return inWordsOf(target, sides[2], respelt), respeltBoth, nil
}

func respell(ctx context.Context, server schema.Server, keyspace schema.Keyspace) (schema.Keyspace, error) {
	s, err := newScratch(ctx, server, keyspace)
	if err != nil {
		return schema.Keyspace{}, err
	}
	defer s.drop(ctx)
	text, err := dump(ctx, server, s.name)
	return schema.Keyspace{Name: keyspace.Name, Objects: assemble(parseDump(text))}, err
}

// refusal is the server's no to a step of a plan.
type refusal struct {
	object    string
	statement string
	err       error
}

func (r *refusal) Error() string {
	return fmt.Sprintf("%s: the change cannot be made: %v (statement: %s)", r.object, r.err, r.statement)
}

func (r *refusal) Unwrap() error { return r.err }

// blame turns a refusal into a conflict when both sides changed the object:
// each side's schema is one that the server took.
func blame(keyspace string, both []string, err error) error {
	var refused *refusal
	if errors.As(err, &refused) && slices.Contains(both, refused.object) {
		return &schema.ConflictError{Keyspace: keyspace, Table: refused.object, Reason: "the changes of both sides do not fit together: " + refused.err.Error()}
	}
	if len(both) > 0 && sqlState(err) != "" {
		return &schema.ConflictError{Keyspace: keyspace, Table: both[0], Reason: "the changes of both sides do not fit together: " + err.Error()}
	}
	return fmt.Errorf("plan database %s: %w", keyspace, err)
}

func operations(keyspace string, changes []*change) []schema.Operation {
	var list []schema.Operation
	for _, change := range changes {
		operation := change.operation
		operation.Keyspace = keyspace
		operation.Statement = change.sql()
		list = append(list, operation)
	}
	return list
}

// databasePlan is a rehearsed plan of one database.
type databasePlan struct {
	forward, backward []*change
	desired           schema.Keyspace
}

func planDatabase(ctx context.Context, server schema.Server, target, desired schema.Keyspace) (databasePlan, error) {
	if equal(target, desired) {
		return databasePlan{desired: target}, nil
	}
	removeRoles, err := scratchRoles(ctx, server, target, desired)
	if err != nil {
		return databasePlan{}, fmt.Errorf("roles on the scratch server: %w", err)
	}
	defer removeRoles()
	from, to, err := twoScratches(ctx, server, target, desired)
	if err != nil {
		return databasePlan{}, err
	}
	defer from.drop(ctx)
	defer to.drop(ctx)
	return rehearse(ctx, from, to, target)
}

// equal compares object by object; the order of a table's columns and of the
// objects does not count.
func equal(a, b schema.Keyspace) bool {
	for _, name := range schema.ObjectNames(a, b) {
		if !same(a.Object(name), b.Object(name)) {
			return false
		}
	}
	return true
}

func twoScratches(ctx context.Context, server schema.Server, a, b schema.Keyspace) (*scratch, *scratch, error) {
	var group errgroup.Group
	var first, second *scratch
	group.Go(func() (err error) {
		if first, err = newScratch(ctx, server, a); err != nil {
			return fmt.Errorf("copy the target's schema to scratch: %w", err)
		}
		return nil
	})
	group.Go(func() (err error) {
		if second, err = newScratch(ctx, server, b); err != nil {
			return fmt.Errorf("make the desired schema on scratch: %w", err)
		}
		return nil
	})
	err := group.Wait()
	if err == nil {
		return first, second, nil
	}
	for _, made := range []*scratch{first, second} {
		if made != nil {
			made.drop(ctx)
		}
	}
	return nil, nil, err
}

// rehearse runs the plan on the copy of the target, sees that it ends in the
// desired schema, and runs the way back if there is one.
func rehearse(ctx context.Context, from, to *scratch, target schema.Keyspace) (databasePlan, error) {
	before, err := from.read(ctx)
	if err != nil {
		return databasePlan{}, err
	}
	after, err := to.read(ctx)
	if err != nil {
		return databasePlan{}, err
	}
	forward, reached, err := reach(ctx, from, before, after)
	if err != nil {
		return databasePlan{}, err
	}
	plan := databasePlan{forward: forward, desired: inWordsOf(target, before.keyspace, reached.keyspace)}
	for _, change := range forward {
		if !change.reversal {
			return plan, nil
		}
	}
	// A way back that does not work is none; the deployment itself is sound.
	plan.backward, _, err = reach(ctx, from, reached, before)
	if err != nil {
		if ctx.Err() != nil {
			return databasePlan{}, err
		}
		plan.backward = nil
		if len(forward) > 0 {
			forward[0].reversal = false
			forward[0].note("the change cannot be undone in place: %v", err)
		}
	}
	return plan, nil
}

// inWordsOf writes what did not change in the target's own words: the server
// may spell an expression differently once it has been dumped and restored.
func inWordsOf(target, before, after schema.Keyspace) schema.Keyspace {
	desired := schema.Keyspace{Name: target.Name, Objects: after.Objects}
	for i, object := range desired.Objects {
		old, own := before.Object(object.Name), target.Object(object.Name)
		if old != nil && own != nil && *old == object {
			desired.Objects[i] = *own
		}
	}
	return desired
}

// reach runs what leads from one state to another and checks where it ends.
func reach(ctx context.Context, on *scratch, from, to state) ([]*change, state, error) {
	changes, err := compare(from, to)
	if err != nil {
		return nil, state{}, err
	}
	sort.SliceStable(changes, func(i, j int) bool { return changes[i].phase < changes[j].phase })
	ordered, err := runInOrder(ctx, on, changes)
	if err != nil {
		return nil, state{}, err
	}
	reached, err := on.read(ctx)
	if err != nil {
		return nil, state{}, err
	}
	if !equal(reached.keyspace, to.keyspace) {
		return nil, state{}, fmt.Errorf("the plan does not lead to the schema asked for; what remains:\n%s", remainder(reached.keyspace, to.keyspace))
	}
	return ordered, reached, nil
}

func remainder(reached, wanted schema.Keyspace) string {
	var out strings.Builder
	for _, diff := range schema.RawDiff(schema.Snapshot{Keyspaces: []schema.Keyspace{reached}}, schema.Snapshot{Keyspaces: []schema.Keyspace{wanted}}) {
		out.WriteString(diff.Raw)
	}
	return out.String()
}

// runInOrder finds an order that the server accepts: what is refused waits
// until something else has been done. A phase gets as far as it can before the
// next begins, or a view would be made anew on what is about to be dropped.
func runInOrder(ctx context.Context, on *scratch, changes []*change) ([]*change, error) {
	var done, waiting []*change
	for len(changes) > 0 || len(waiting) > 0 {
		next := 0
		for next < len(changes) && changes[next].phase == changes[0].phase {
			next++
		}
		waiting = append(waiting, changes[:next]...)
		changes = changes[next:]
		accepted, refused, failure := runWhatGoes(ctx, on, waiting)
		done, waiting = append(done, accepted...), refused
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if len(changes) > 0 || len(waiting) == 0 {
			continue
		}
		instead, replaced := takeInstead(refused)
		if !replaced {
			return nil, failure
		}
		waiting = instead
	}
	return done, nil
}

// runWhatGoes tries changes until none of those left is accepted.
func runWhatGoes(ctx context.Context, on *scratch, waiting []*change) (done, refused []*change, failure *refusal) {
	for {
		refused, failure = nil, nil
		for _, change := range waiting {
			statement := strings.Replace(change.sql(), " INDEX CONCURRENTLY ", " INDEX ", 1)
			err := run(ctx, on.conn, statement)
			if err == nil {
				done = append(done, change)
				continue
			}
			refused = append(refused, change)
			if failure == nil {
				failure = &refusal{object: change.operation.Table, statement: change.sql(), err: err}
			}
		}
		if len(refused) == 0 || len(refused) == len(waiting) || ctx.Err() != nil {
			return done, refused, failure
		}
		waiting = refused
	}
}

// takeInstead puts the first alternative in place of what it stands for.
func takeInstead(refused []*change) ([]*change, bool) {
	for i, change := range refused {
		if change.instead == nil {
			continue
		}
		return slices.Concat(refused[:i], change.instead, refused[i+1:]), true
	}
	return refused, false
}
