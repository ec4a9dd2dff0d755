package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParentsAndChildrenAgree(t *testing.T) {
	for _, size := range []struct{ policies, orgs int }{{5, 5}, {1000, 5}, {3001, 17}} {
		plan, err := newLayout(size.policies, size.orgs)
		require.NoError(t, err)
		assert.Len(t, plan.tables, 190)
		for name, table := range plan.tables {
			assert.Positive(t, table.rows, name)
			for i := 0; table.parent != nil && i < table.rows; i++ {
				parent := table.parentOf(i)
				from, to := table.start(parent), table.start(parent+1)
				require.Truef(t, from <= i && i < to, "row %d of %s has parent %d, whose rows are %d to %d", i, name, parent, from, to)
			}
		}
	}
}

func TestAmountsAddUp(t *testing.T) {
	plan, err := newLayout(500, 5)
	require.NoError(t, err)
	w := &world{layout: plan, seed: 7}
	invoices := w.tables["invoices"]
	for policy := range w.tables["policies"].rows {
		var sum int64
		for i := invoices.start(policy); i < invoices.start(policy+1); i++ {
			sum += w.invoiceTotal(i)
		}
		assert.Equal(t, w.premium(policy)+taxes(w.premium(policy))+policyFee, sum)
	}
}

func TestIDsAreUniqueSortedAndRepeatable(t *testing.T) {
	plan, err := newLayout(2000, 5)
	require.NoError(t, err)
	w, same := &world{layout: plan, seed: 7}, &world{layout: plan, seed: 7}
	other := &world{layout: plan, seed: 8}
	last := ""
	for i := range w.tables["vehicles"].rows {
		id := w.id("vehicles", i)
		assert.Greater(t, id, last)
		assert.Equal(t, id, same.id("vehicles", i))
		assert.NotEqual(t, id, other.id("vehicles", i))
		last = id
	}
}
