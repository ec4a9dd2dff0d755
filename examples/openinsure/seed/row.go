package main

import (
	"encoding/hex"
	"fmt"
	"time"
)

const (
	historyDays = 1100
)

var (
	// asOf is the world's today. It is fixed, so that a seed means the same data on every day.
	asOf  = time.Date(2026, time.June, 30, 0, 0, 0, 0, time.UTC)
	today = historyDays + 30
	// dates spares formatting millions of days. Day 0 is today days before asOf.
	dates = makeDates()
)

const datesBefore, datesAfter = 30000, 6000

func makeDates() []string {
	result := make([]string, datesBefore+datesAfter)
	for i := range result {
		result[i] = asOf.AddDate(0, 0, i-datesBefore-today).Format(time.DateOnly)
	}
	return result
}

func date(day int) string { return dates[min(max(day+datesBefore, 0), len(dates)-1)] }

func moment(day int, h uint64) string {
	return fmt.Sprintf("%s %02d:%02d:%02d.%03d", date(day), 8+h%10, h>>8%60, h>>16%60, h>>24%1000)
}

// world is what all rows have in common.
type world struct {
	*layout
	seed uint64
	// ledger sums the journals of each accounting period, row by row of gl_periods.
	ledger []periodTotal
}

type periodTotal struct {
	journals, cents int64
}

// row is one row to be made. The same one is used for all rows of a table.
type row struct {
	*world
	t     *table
	i     int
	index []int // of the row itself, its parent, its parent's parent …
	chain []*table
	day   int
	gens  map[string]generator
	knows map[string]bool // the words of its status
	list  []generator     // of gens, in the columns' order
}

type generator func(r *row) any

func (w *world) newRow(t *table) *row {
	r := &row{world: w, t: t}
	for up := t; up != nil; up = up.parent {
		r.chain = append(r.chain, up)
	}
	r.index = make([]int, len(r.chain))
	return r
}

func (r *row) set(i int) {
	r.i, r.index[0] = i, i
	for level := 1; level < len(r.chain); level++ {
		r.index[level] = r.chain[level-1].parentOf(r.index[level-1])
	}
	r.day = r.dayOf(r.t, i)
}

// hash is a random number that belongs to this row and the salt.
func (r *row) hash(salt uint64) uint64 { return r.hashOf(r.t, r.i, salt) }

func (w *world) hashOf(t *table, i int, salt uint64) uint64 {
	return mix(w.seed ^ t.hash ^ mix(uint64(i)+0x9e3779b97f4a7c15) ^ salt)
}

// up is the row's ancestor in a table, -1 if it has none there.
func (r *row) up(name string) int {
	for level, t := range r.chain {
		if t.name == name {
			return r.index[level]
		}
	}
	return -1
}

// nth is the row's place among its siblings.
func (r *row) nth() int {
	if r.t.parent == nil {
		return r.i
	}
	return r.i - r.t.start(r.index[1])
}

// siblings is how many rows the row's parent has here.
func (r *row) siblings() int {
	return r.t.start(r.index[1]+1) - r.t.start(r.index[1])
}

// id is a UUID of version 7: its time grows with the row's number, so that
// filling a table appends to its primary key.
func (w *world) id(name string, i int) string {
	t := w.tables[name]
	ms := uint64(asOf.AddDate(0, 0, -today).UnixMilli()) + uint64(i)*uint64(historyDays*86_400_000/max(t.rows, historyDays))
	a, b := w.hashOf(t, i, 1), w.hashOf(t, i, 2)
	raw := [16]byte{byte(ms >> 40), byte(ms >> 32), byte(ms >> 24), byte(ms >> 16), byte(ms >> 8), byte(ms), 0x70 | byte(a>>8)&15, byte(a),
		0x80 | byte(b>>56)&0x3f, byte(b >> 48), byte(b >> 40), byte(b >> 32), byte(b >> 24), byte(b >> 16), byte(b >> 8), byte(b)}
	var text [36]byte
	hex.Encode(text[0:8], raw[0:4])
	hex.Encode(text[9:13], raw[4:6])
	hex.Encode(text[14:18], raw[6:8])
	hex.Encode(text[19:23], raw[8:10])
	hex.Encode(text[24:36], raw[10:16])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}

// dayOf is when a row came to be: after its parent, before today.
func (w *world) dayOf(t *table, i int) int {
	h := w.hashOf(t, i, 3)
	switch {
	case t.name == "orgs" || t.parent == nil:
		return -int(h % 400)
	case t.name == "policies":
		return w.effectiveDay(i)
	case t.name == "submissions":
		return w.submissionDay(i)
	case t.name == "insureds":
		return int(h % 360)
	case t.name == "gl_periods":
		month := i - t.start(t.parentOf(i))
		return periodStart(month)
	case t.name == "invoices":
		parent := t.parentOf(i)
		return min(today, w.effectiveDay(parent)+(i-t.start(parent))*30)
	}
	day := w.dayOf(t.parent, t.parentOf(i))
	return min(today, day+int(h%uint64(t.offset)))
}

// effectiveDay lets an insured's policies follow each other year by year.
func (w *world) effectiveDay(policy int) int {
	t := w.tables["policies"]
	insured := t.parentOf(policy)
	nth := policy - t.start(insured)
	return int(w.hashOf(t.parent, insured, 3)%360) + nth%3*365
}

// submissionDay is some weeks before the policy that came of the submission.
func (w *world) submissionDay(submission int) int {
	t, policies := w.tables["submissions"], w.tables["policies"]
	insured := t.parentOf(submission)
	nth := submission - t.start(insured)
	if from, to := policies.children(t.parent, insured); from+nth < to {
		return w.effectiveDay(from+nth) - 20
	}
	return int(w.hashOf(t, submission, 3) % historyDays)
}

func periodStart(month int) int {
	first := time.Date(2023, time.July, 1, 0, 0, 0, 0, time.UTC).AddDate(0, month, 0)
	return today - int(asOf.Sub(first).Hours()/24)
}

// premium of a policy: so much a vehicle, in whole dollars.
func (w *world) premium(policy int) int64 {
	vehicles := w.tables["vehicles"]
	from, to := vehicles.start(policy), vehicles.start(policy+1)
	perUnit := 6800 + w.hashOf(vehicles.parent, policy, 4)%8400
	return int64(max(1, to-from)) * int64(perUnit) * 100
}

func taxes(premium int64) int64 { return premium * 3 / 100 }

const policyFee = 25000

// share gives the nth of n parts of an amount; the parts add up to it.
func share(amount int64, nth, n int) int64 {
	return amount*int64(nth+1)/int64(n) - amount*int64(nth)/int64(n)
}

// invoice is what one invoice charges.
func (w *world) invoice(i int) (premium, tax, fee int64) {
	t := w.tables["invoices"]
	policy := t.parentOf(i)
	from, to := t.start(policy), t.start(policy+1)
	whole := w.premium(policy)
	premium, tax = share(whole, i-from, to-from), share(taxes(whole), i-from, to-from)
	if i == from {
		fee = policyFee
	}
	return premium, tax, fee
}

func (w *world) invoiceTotal(i int) int64 {
	premium, tax, fee := w.invoice(i)
	return premium + tax + fee
}

func (w *world) isPaid(invoice int) bool {
	payments := w.tables["payments"]
	return payments.start(invoice+1) > payments.start(invoice)
}

// sumLedger lets periods, batches and balances say what their journals add up to.
func (w *world) sumLedger() {
	w.ledger = make([]periodTotal, w.tables["gl_periods"].rows)
	r := w.newRow(w.tables["gl_journals"])
	for i := range r.t.rows {
		r.set(i)
		period := &w.ledger[w.period(r)]
		period.journals++
		period.cents += w.invoiceTotal(r.up("invoices"))
	}
}

// period is the accounting period of the row's organization and day.
func (w *world) period(r *row) int {
	t := w.tables["gl_periods"]
	from, to := t.start(r.up("orgs")), t.start(r.up("orgs")+1)
	month := 0
	for month+1 < to-from && periodStarts[month+1] <= r.day {
		month++
	}
	return from + month
}

var periodStarts = func() (starts [36]int) {
	for month := range starts {
		starts[month] = periodStart(month)
	}
	return starts
}()

// place is where the row's insured is at home; others have a place of their own.
func (r *row) place() place {
	if insured := r.up("insureds"); insured >= 0 {
		return places[r.hashOf(r.tables["insureds"], insured, 5)%uint64(len(places))]
	}
	return places[r.hash(5)%uint64(len(places))]
}

func (r *row) insuredName() string {
	insured := r.up("insureds")
	if insured < 0 {
		return companyName(r.hash(6))
	}
	return companyName(r.hashOf(r.tables["insureds"], insured, 6))
}

func companyName(h uint64) string {
	return pick(companyFirst, h) + " " + pick(companySecond, h>>16) + " " + pick(companyThird, h>>32)
}

func personName(h uint64) (first, last string) { return pick(firstNames, h), pick(lastNames, h>>20) }

func pick[T any](from []T, h uint64) T { return from[h%uint64(len(from))] }

func vin(h uint64) string {
	const letters = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"
	text := []byte("1")
	for range 10 {
		text = append(text, letters[h%33])
		h = h/33 ^ h<<40
		h = mix(h)
	}
	return fmt.Sprintf("%s%06d", text, h%1000000)
}
