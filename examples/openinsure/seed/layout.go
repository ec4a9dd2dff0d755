package main

import (
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"
)

// layoutText says of every table whose rows its rows belong to, and how many
// there are for each of those. "=N" is a fixed number of rows, "even" gives
// every parent the same number; otherwise a few parents have many (a fleet)
// and most have one. Because a row's parent follows from its number alone, any
// row can be made without having made another one.
const layoutText = `
oi_global
orgs                            -              =ORGS
org_settings                    orgs           6     even
org_addresses                   orgs           2     even
org_contacts                    orgs           5     even
org_domains                     orgs           1     even
org_feature_flags               orgs           5     even
org_subscriptions               orgs           1     even
org_api_clients                 orgs           2     even
users                           orgs           =USERS
memberships                     users          1     even
roles                           orgs           6     even
permissions                     -              =42
role_permissions                roles          8     even
user_sessions                   users          2
user_invitations                orgs           3     even
user_mfa_devices                users          1     even
user_notification_preferences   users          3     even
agencies                        orgs           =AGENCIES
producers                       agencies       2
producer_licenses               producers      2     even
producer_appointments           producers      2     even
producer_contacts               agencies       2     even
producer_agreements             agencies       1     even
commission_schedules            -              =8
commission_schedule_tiers       commission_schedules 4 even
carriers                        -              =12
carrier_contacts                carriers       4     even
carrier_licenses                carriers       20    even
carrier_ratings                 carriers       3     even
carrier_contracts               carriers       2     even
reinsurers                      -              =10
programs                        carriers       2     even
program_states                  programs       20    even
program_coverages               programs       6     even
program_limits                  programs       8     even
program_deductibles             programs       8     even
program_forms                   programs       10    even
program_fees                    programs       4     even
program_authorities             orgs           6     even
rule_sets                       programs       3     even
rules                           rule_sets      6     even
rule_versions                   rules          2     even
rating_tables                   programs       4     even
rating_table_rows               rating_tables  20    even
rating_factors                  programs       8     even
referral_rules                  programs       5     even
states                          -              =51
counties                        states         6     even
zip_territories                 counties       3     even
vehicle_classes                 -              =36
coverage_types                  -              =8
policy_forms                    -              =48
cause_of_loss_codes             -              =24
oi_policies
insureds                        orgs           =INSUREDS
insured_contacts                insureds       0.2     even
policies                        insureds       =POLICIES
policy_terms                    policies       1     even
policy_versions                 policies       0.04   even
policy_transactions             policies       0.1     even
policy_locations                policies       0.05   even
policy_documents                policies       0.08   even
policy_notes                    policies       0.06  even
policy_cancellations            policies       0.03  even
policy_renewals                 policies       0.05   even
endorsements                    policies       0.05  even
endorsement_changes             endorsements   1   even
endorsement_forms               endorsements   0.5     even
endorsement_approvals           endorsements   0.3   even
policy_coverages                policies       1.4     even
coverage_limits                 policy_coverages 0.03 even
coverage_deductibles            policy_coverages 0.03 even
additional_insureds             policies       0.04   even
policy_fees                     policies       0.06   even
drivers                         policies       1.1
driver_licenses                 drivers        0.06   even
driver_violations               drivers        0.05  even
driver_assignments              drivers        0.04   even
vehicles                        policies       1.2
vehicle_coverages               vehicles       0.05   even
vehicle_lienholders             vehicles       0.04   even
vehicle_garaging_history        vehicles       0.02  even
oi_submissions
submissions                     insureds       =SUBMISSIONS
submission_contacts             submissions    0.1   even
submission_vehicles             submissions    1
submission_drivers              submissions    1
submission_locations            submissions    0.05   even
submission_documents            submissions    0.1   even
submission_notes                submissions    0.1   even
submission_status_history       submissions    0.2   even
submission_tasks                submissions    0.1   even
quotes                          submissions    1     even
quote_versions                  quotes         0.1   even
quote_coverages                 quotes         0.25   even
quote_vehicle_ratings           quotes         0.1   even
quote_subjectivities            quotes         0.1   even
quote_referrals                 quotes         0.05   even
quote_worksheets                quotes         0.05   even
binders                         quotes         0.1   even
motor_carriers                  insureds       0.3   even
motor_carrier_authorities       motor_carriers 0.3   even
motor_carrier_operations        motor_carriers 0.3   even
motor_carrier_commodities       motor_carriers 0.3   even
fmcsa_snapshots                 motor_carriers 0.3   even
fmcsa_inspections               motor_carriers 0.3   even
fmcsa_violations                fmcsa_inspections 0.8 even
fmcsa_crashes                   motor_carriers 0.1   even
fmcsa_basic_scores              motor_carriers 0.5   even
mvr_orders                      submission_drivers 0.05 even
mvr_reports                     mvr_orders     0.9   even
mvr_violations                  mvr_reports    0.5   even
loss_run_requests               submissions    0.08  even
loss_runs                       loss_run_requests 0.9 even
loss_run_claims                 loss_runs      1.2   even
loss_run_summaries              submissions    0.05   even
oi_claims
claims                          policies       0.06  even
claim_incidents                 claims         0.7     even
claim_coverages                 claims         1     even
claim_vehicles                  claims         0.8     even
claim_drivers                   claims         0.6     even
claim_notes                     claims         1
claim_documents                 claims         0.5
claim_diaries                   claims         0.3   even
claim_reserves                  claims         1   even
claim_status_history            claims         0.5     even
claimants                       claims         1
claimant_contacts               claimants      0.5     even
claimant_injuries               claimants      0.3   even
claimant_attorneys              claimants      0.15  even
claimant_medical_bills          claimant_injuries 1.5 even
claim_witnesses                 claims         0.2   even
disbursements                   claims         0.6   even
disbursement_lines              disbursements  1     even
disbursement_approvals          disbursements  0.5   even
claim_vendors                   orgs           8     even
vendor_invoices                 claims         0.3   even
settlements                     claimants      0.2   even
settlement_offers               settlements    2     even
settlement_releases             settlements    0.6   even
litigations                     claims         0.05  even
subrogation_cases               claims         0.1   even
subrogation_demands             subrogation_cases 1  even
subrogation_recoveries          subrogation_cases 0.5 even
salvage_items                   claims         0.08  even
oi_billing
billing_accounts                insureds       1     even
billing_plans                   orgs           4     even
payment_schedules               policies       0.05   even
installments                    payment_schedules 4  even
invoices                        policies       1   even
invoice_lines                   invoices       1     even
invoice_adjustments             invoices       0.03  even
billing_notices                 invoices       0.05   even
late_fees                       invoices       0.03  even
premium_tax_assessments         policies       0.05   even
commission_statements           agencies       6     even
commission_entries              policies       0.2   even
write_offs                      invoices       0.01  even
payment_methods                 insureds       0.2   even
payments                        invoices       0.5   even
payment_allocations             payments       1     even
payment_attempts                payments       0.06   even
refunds                         payments       0.03  even
chargebacks                     payments       0.01  even
lockbox_batches                 bank_accounts  6     even
lockbox_items                   lockbox_batches 10   even
ach_batches                     bank_accounts  6     even
ach_entries                     ach_batches    10    even
premium_finance_agreements      policies       0.03  even
trust_deposits                  bank_accounts  6     even
gl_periods                      orgs           36    even
gl_batches                      gl_periods     1     even
gl_journals                     invoices       0.1     even
gl_entries                      gl_journals    2     even
gl_balances                     gl_periods     3     even
gl_posting_rules                orgs           6     even
gl_reconciliations              bank_accounts  12    even
gl_reconciliation_items         gl_reconciliations 4 even
bank_accounts                   orgs           4     even
charts_of_accounts              orgs           1     even
gl_accounts                     charts_of_accounts 20 even
gl_account_groups               charts_of_accounts 5 even
gl_dimensions                   orgs           5     even
gl_cost_centers                 orgs           5     even
reinsurance_treaties            orgs           2     even
treaty_layers                   reinsurance_treaties 3 even
treaty_participants             treaty_layers  2     even
reinsurance_cessions            policies       0.08   even
reinsurance_claim_recoveries    claims         0.05  even
bordereaux                      reinsurance_treaties 12 even
bordereau_lines                 bordereaux     10    even
reinsurance_settlements         reinsurance_treaties 4 even
`

// offsets are days that a row may come after its parent, where ten would be odd.
var offsets = map[string]int{
	"claims": 360, "endorsements": 300, "policy_notes": 300, "policy_cancellations": 200, "users": 900, "agencies": 500, "producers": 300,
	"user_sessions": 200, "claim_notes": 120, "disbursements": 200, "settlements": 250, "bordereaux": 700, "commission_statements": 700,
	"ach_batches": 1000, "lockbox_batches": 1000, "trust_deposits": 1000, "gl_reconciliations": 1000,
}

// table is one table's place in the layout.
type table struct {
	name, keyspace string
	parent         *table
	rows           int
	even           bool
	starts         []int // of tables whose parents' sizes differ: the first row of each parent
	hash           uint64
	offset         int    // days a row comes after its parent, at most
	prefix         string // of its rows' numbers
}

type layout struct {
	keyspaces []string
	tables    map[string]*table
	order     map[string][]*table
}

func newLayout(policies, orgs int) (*layout, error) {
	sizes := map[string]int{
		"ORGS": orgs, "POLICIES": policies, "USERS": orgs*6 + policies/250, "AGENCIES": orgs*3 + policies/500,
		"INSUREDS": max(orgs, policies*2/5), "SUBMISSIONS": max(orgs, policies*3/10),
	}
	l := &layout{tables: map[string]*table{}, order: map[string][]*table{}}
	type line struct{ fields []string }
	pending := map[string]line{}
	keyspace := ""
	for text := range strings.SplitSeq(strings.TrimSpace(layoutText), "\n") {
		fields := strings.Fields(text)
		if len(fields) == 1 {
			keyspace = fields[0]
			l.keyspaces = append(l.keyspaces, keyspace)
			continue
		}
		t := &table{name: fields[0], keyspace: keyspace, even: len(fields) > 3, hash: hashText(fields[0]), offset: 10}
		t.prefix = t.initials()
		if days := offsets[t.name]; days > 0 {
			t.offset = days
		}
		l.tables[t.name] = t
		l.order[keyspace] = append(l.order[keyspace], t)
		pending[t.name] = line{fields}
	}
	var settle func(t *table) error
	settle = func(t *table) error {
		if t.rows > 0 {
			return nil
		}
		fields := pending[t.name].fields
		if fields[1] != "-" {
			if t.parent = l.tables[fields[1]]; t.parent == nil {
				return fmt.Errorf("layout: %s belongs to %s, which is no table", t.name, fields[1])
			}
			if err := settle(t.parent); err != nil {
				return err
			}
		}
		if err := t.size(fields[2], sizes); err != nil {
			return err
		}
		t.spread()
		return nil
	}
	for _, keyspace := range l.keyspaces {
		for _, t := range l.order[keyspace] {
			if err := settle(t); err != nil {
				return nil, err
			}
		}
	}
	return l, nil
}

func (t *table) size(text string, sizes map[string]int) error {
	if fixed, isFixed := strings.CutPrefix(text, "="); isFixed {
		number, known := sizes[fixed]
		if !known {
			var err error
			if number, err = strconv.Atoi(fixed); err != nil {
				return fmt.Errorf("layout: size %q of %s: %w", text, t.name, err)
			}
		}
		t.rows = max(1, number)
		return nil
	}
	per, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return fmt.Errorf("layout: size %q of %s: %w", text, t.name, err)
	}
	t.rows = max(1, int(math.Round(per*float64(t.parent.rows))))
	return nil
}

// Organizations and fleets are unlike in size: these weights are repeated.
var weights = []int{1, 1, 2, 1, 5, 1, 1, 3, 1, 1, 2, 1, 8, 1, 1, 2, 1}

// spread fixes where each parent's rows start when the parents' sizes differ.
func (t *table) spread() {
	if t.parent == nil || t.even || t.rows < t.parent.rows {
		return
	}
	parents, total := t.parent.rows, 0
	for p := range parents {
		total += weights[p%len(weights)]
	}
	// Everybody has one row; what is left goes by weight.
	t.starts = make([]int, parents+1)
	left, sum := t.rows-parents, 0
	for p := range parents {
		t.starts[p] = p + int(int64(sum)*int64(left)/int64(total))
		sum += weights[p%len(weights)]
	}
	t.starts[parents] = t.rows
}

// start is the first row of a parent.
func (t *table) start(parent int) int {
	if t.starts != nil {
		return t.starts[parent]
	}
	return (parent*t.rows + t.parent.rows - 1) / t.parent.rows
}

// parentOf is the inverse of start.
func (t *table) parentOf(row int) int {
	if t.starts != nil {
		return sort.SearchInts(t.starts, row+1) - 1
	}
	return row * t.parent.rows / t.rows
}

// children is the range of rows of t that belong, over any number of steps,
// to one row of an ancestor.
func (t *table) children(ancestor *table, row int) (int, int) {
	if t == ancestor {
		return row, row + 1
	}
	from, to := t.parent.children(ancestor, row)
	if from == to {
		return 0, 0
	}
	return t.start(from), t.start(to)
}

func (t *table) isUnder(ancestor *table) bool {
	return t == ancestor || t.parent != nil && t.parent.isUnder(ancestor)
}

func hashText(text string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * 1099511628211
	}
	return mix(h)
}

func mix(h uint64) uint64 {
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
