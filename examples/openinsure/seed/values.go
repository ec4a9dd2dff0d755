package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// column is what information_schema says of a column.
type column struct {
	name, kind string // kind without its length: varchar, bigint …
	nullable   bool
	length     int
	values     []string // of an ENUM, or of a CHECK (… IN (…))
}

var quoted = regexp.MustCompile(`\\?'([^'\\]*)\\?'`)

func quotedIn(text string) []string {
	var result []string
	for _, match := range quoted.FindAllStringSubmatch(text, -1) {
		result = append(result, match[1])
	}
	return result
}

// generatorOf finds how to make a column's values: what is said of this very
// column first, then of its name, then what its form tells.
func (w *world) generatorOf(t *table, c column) (generator, error) {
	salt := hashText(c.name)
	key := t.name + "." + c.name
	if own := special[key]; own != nil {
		return own, nil
	}
	if list := listed[key]; list != nil {
		return func(r *row) any { return list[r.nth()%len(list)] }, nil
	}
	if named := byName[c.name]; named != nil && len(c.values) == 0 {
		return optional(c, salt, named), nil
	}
	if c.name == "id" || strings.HasSuffix(c.name, "_id") {
		return w.reference(t, c, salt)
	}
	if len(c.values) > 0 {
		return optional(c, salt, choice(c, salt)), nil
	}
	for _, rule := range bySuffix {
		if strings.HasSuffix(c.name, rule.suffix) {
			return optional(c, salt, rule.make(salt)), nil
		}
	}
	if byKind[c.kind] == nil {
		return nil, fmt.Errorf("no rule makes values for %s.%s (%s)", t.name, c.name, c.kind)
	}
	return optional(c, salt, byKind[c.kind](salt)), nil
}

// choice prefers the first of a status' words, which are the usual ones.
func choice(c column, salt uint64) generator {
	n := uint64(len(c.values))
	return func(r *row) any {
		h := r.hash(salt)
		// What is kept is mostly in use; what is worked on is anywhere on its way.
		if c.name == "status" && isStanding(c.values[0]) && h>>40%100 < 92 {
			return c.values[0]
		}
		if c.name == "status" || c.name == "severity" {
			return c.values[min(h%n, h>>20%n)]
		}
		return c.values[h%n]
	}
}

func isStanding(status string) bool { return status == "active" || status == "valid" }

// Columns that look optional but that a reader would miss.
var alwaysThere = regexp.MustCompile(`^(email|phone|vin|dot_number|fein|npn|tax_number|coverage_code|.*_number|description|bound_at|started_at|.*email|city|state|line1|postal_code|narrative|memo)$`)

// optional leaves a nullable column empty now and then. A time that tells of
// a status ("closed_at") is there exactly when the row has that status.
func optional(c column, salt uint64, make generator) generator {
	if !c.nullable || alwaysThere.MatchString(c.name) {
		return make
	}
	word, isEvent := strings.CutSuffix(strings.TrimSuffix(strings.TrimSuffix(c.name, "_at"), "_on"), "_by_user_id")
	isEvent = isEvent || strings.HasSuffix(c.name, "_at") || strings.HasSuffix(c.name, "_on")
	return func(r *row) any {
		if status := r.gens["status"]; isEvent && status != nil {
			if r.knows[word] {
				if status(r) == word {
					return make(r)
				}
				return nil
			}
		}
		if r.hash(salt^77)%10 < 4 {
			return nil
		}
		return make(r)
	}
}

var plurals = map[string]string{
	"bordereau": "bordereaux", "chart_of_accounts": "charts_of_accounts",
	"debit_account": "gl_accounts", "credit_account": "gl_accounts", "parent_agency": "agencies", "parent_group": "gl_account_groups",
	"parent_cost_center": "gl_cost_centers", "renewal_policy": "policies", "reversed_journal": "gl_journals", "assigned_role": "roles",
}

func targetOf(name string) string {
	name = strings.TrimSuffix(name, "_id")
	if plural := plurals[name]; plural != "" {
		return plural
	}
	if strings.HasSuffix(name, "_user") {
		return "users"
	}
	if stem, is := strings.CutSuffix(name, "y"); is {
		return stem + "ies"
	}
	if strings.HasSuffix(name, "ch") {
		return name + "es"
	}
	return name + "s"
}

// reference makes ids that exist, and that belong to the same policy, or
// else to the same insured, or else to the same organization.
func (w *world) reference(t *table, c column, salt uint64) (generator, error) {
	if c.name == "id" {
		return func(r *row) any { return r.id(r.t.name, r.i) }, nil
	}
	target := w.tables[targetOf(c.name)]
	if target == nil {
		return nil, fmt.Errorf("%s.%s refers to no table of the layout", t.name, c.name)
	}
	if target == t {
		return earlierSibling(c, salt), nil
	}
	level := w.newRow(t).commonWith(target)
	if level < 0 {
		return optional(c, salt, func(r *row) any { return r.id(target.name, int(r.hash(salt)%uint64(target.rows))) }), nil
	}
	return func(r *row) any {
		for at := level; at < len(r.chain); at++ {
			from, to := target.children(r.chain[at], r.index[at])
			if from < to {
				return r.id(target.name, from+r.choose(at, to-from, salt))
			}
			if c.nullable {
				return nil
			}
		}
		return nil
	}, nil
}

// commonWith is the level of the nearest ancestor that the target has too.
func (r *row) commonWith(target *table) int {
	for level, t := range r.chain {
		if target.isUnder(t) {
			return level
		}
	}
	return -1
}

// choose takes siblings in their order: the second policy comes of the second
// submission. Among an organization's many rows it takes any.
func (r *row) choose(level, n int, salt uint64) int {
	if level == 0 || r.chain[level].name == "orgs" || n > 50 {
		return int(r.hash(salt) % uint64(n))
	}
	below := r.index[level-1] - r.chain[level-1].start(r.index[level])
	return below % n
}

func earlierSibling(c column, salt uint64) generator {
	return func(r *row) any {
		if r.t.parent == nil || r.nth() == 0 || c.nullable && r.hash(salt)%4 == 0 {
			return nil
		}
		return r.id(r.t.name, r.i-r.nth())
	}
}

type suffixRule struct {
	suffix string
	make   func(salt uint64) generator
}

func day(from, spread int) func(uint64) generator {
	return func(salt uint64) generator {
		return func(r *row) any { return date(r.day + from + int(r.hash(salt)%uint64(spread))) }
	}
}

func number(from, spread int64) func(uint64) generator {
	return func(salt uint64) generator {
		return func(r *row) any { return from + int64(r.hash(salt)%uint64(spread)) }
	}
}

// dollars makes amounts of money that end in whole steps.
func dollars(from, spread, step int64) func(uint64) generator {
	return func(salt uint64) generator {
		return func(r *row) any { return (from + int64(r.hash(salt)%uint64(spread))*step) * 100 }
	}
}

func decimal(from, spread int64) func(uint64) generator {
	return func(salt uint64) generator {
		return func(r *row) any {
			v := from + int64(r.hash(salt)%uint64(spread))
			return fmt.Sprintf("%d.%04d", v/10000, v%10000)
		}
	}
}

func oneOf(list []string) func(uint64) generator {
	return func(salt uint64) generator { return func(r *row) any { return pick(list, r.hash(salt)) } }
}

func numbered(salt uint64) generator { return func(r *row) any { return r.number() } }

// bySuffix is searched in order.
var bySuffix = []suffixRule{
	{"first_name", func(salt uint64) generator { return func(r *row) any { f, _ := personName(r.hash(1000)); return f } }},
	{"last_name", func(salt uint64) generator { return func(r *row) any { _, l := personName(r.hash(1000)); return l } }},
	{"bank_name", oneOf(banks)}, {"lienholder_name", oneOf(lenders)}, {"finance_company_name", oneOf(lenders)}, {"carrier_name", oneOf(carriers)},
	{"file_name", func(salt uint64) generator {
		return func(r *row) any {
			return fmt.Sprintf("%s-%06d.pdf", strings.ReplaceAll(singular(r.t.name), "_", "-"), r.i+1)
		}
	}},
	{"attorney_name", person}, {"driver_name", person}, {"signer_name", person}, {"mediator_name", person}, {"plaintiff_name", person}, {"individual_name", person}, {"payee_name", person}, {"account_name", insured}, {"payer_name", insured}, {"insured_name", insured},
	{"firm_name", func(salt uint64) generator {
		return func(r *row) any {
			return pick(lastNames, r.hash(salt)) + " & " + pick(lastNames, r.hash(salt)>>20) + " LLP"
		}
	}},
	{"commodity_name", oneOf(commodities)}, {"county_name", oneOf(countyNames)},
	{"_name", company}, {"dba_name", company},
	{"email", func(salt uint64) generator {
		return func(r *row) any {
			f, l := personName(r.hash(1000))
			return strings.ToLower(fmt.Sprintf("%s.%s%d@example.com", f, l, r.i+1))
		}
	}},
	{"phone", func(salt uint64) generator {
		return func(r *row) any { return fmt.Sprintf("+1-%s-555-%04d", r.place().area, r.hash(salt)%10000) }
	}},
	{"_url", func(salt uint64) generator {
		return func(r *row) any {
			return fmt.Sprintf("https://files.example.com/%s/%06d", strings.ReplaceAll(r.t.name, "_", "-"), r.i+1)
		}
	}},
	{"city", func(uint64) generator { return func(r *row) any { return r.place().city } }},
	{"state", func(uint64) generator { return func(r *row) any { return r.place().state } }},
	{"state_code", func(uint64) generator { return func(r *row) any { return r.place().state } }},
	{"postal_code", func(uint64) generator { return func(r *row) any { return r.place().zip } }},
	{"county", oneOf(countyNames)}, {"country_code", oneOf([]string{"US"})},
	{"license_number", func(salt uint64) generator {
		return func(r *row) any { return fmt.Sprintf("%c%08d", 'A'+r.hash(salt)%26, r.hash(salt)>>8%100000000) }
	}},
	{"violation_code", func(uint64) generator {
		return func(r *row) any { code, _, _ := strings.Cut(pick(violations, r.hash(1001)), ":"); return code }
	}},
	{"commodity_code", func(uint64) generator { return func(r *row) any { return fmt.Sprintf("C%02d", r.nth()+1) } }},
	{"coverage_code", func(uint64) generator { return func(r *row) any { return coverages[r.nth()%len(coverages)].code } }},
	{"territory_code", func(salt uint64) generator {
		return func(r *row) any { return fmt.Sprintf("T%03d", r.hash(salt)%180+1) }
	}},
	{"reason_code", oneOf(words("NONPAY INSURED_REQUEST UNDERWRITING FRAUD DUPLICATE SMALL_BALANCE"))},
	{"dot_number", func(uint64) generator { return func(r *row) any { return r.dotNumber() } }},
	{"routing_number", func(salt uint64) generator {
		return func(r *row) any { return fmt.Sprintf("%09d", r.hash(salt)%1000000000) }
	}},
	{"form_number", func(salt uint64) generator {
		return func(r *row) any { return fmt.Sprintf("CA %04d", 1+r.hash(salt)%48) }
	}},
	{"statement_text", oneOf(actions)}, {"_text", oneOf(actions)}, {"_note", oneOf(actions)},
	{"_reason", oneOf(reasons)}, {"reason", oneOf(reasons)},
	{"loss_ratio", decimal(3000, 6000)}, {"loss_ratio_cap", decimal(6000, 2000)},
	{"_factor", decimal(8000, 6000)}, {"factor_min", decimal(6000, 2000)}, {"factor_max", decimal(11000, 3000)}, {"_mod", decimal(8000, 4000)},
	{"_rate", decimal(200, 1400)}, {"rate", decimal(200, 1400)}, {"_pct", number(5, 90)},
	{"_hash", hashes}, {"checksum", hashes}, {"_token", hashes32}, {"_key", hashes32},
	{"_last_four", func(salt uint64) generator {
		return func(r *row) any { return fmt.Sprintf("%04d", r.hash(salt)%10000) }
	}},
	{"last_four", func(salt uint64) generator {
		return func(r *row) any { return fmt.Sprintf("%04d", r.hash(salt)%10000) }
	}},
	{"_no", func(uint64) generator { return func(r *row) any { return int64(r.nth() + 1) } }},
	{"_number", numbered}, {"_code", numbered}, {"_ref", numbered}, {"_reference", numbered},
	{"fee_cents", dollars(5, 20, 5)}, {"fees_cents", dollars(100, 20, 25)}, {"per_unit_cents", dollars(100, 20, 25)},
	{"limit_cents", dollars(100000, 19, 50000)}, {"occurrence_cents", dollars(100000, 19, 50000)}, {"aggregate_cents", dollars(1000000, 4, 500000)}, {"person_cents", dollars(50000, 10, 5000)},
	{"deductible_cents", dollars(1000, 5, 1000)}, {"premium_cents", dollars(900, 400, 50)}, {"_cents", dollars(250, 400, 25)},
	{"_years", number(1, 20)}, {"years_in_business", number(1, 25)}, {"years_experience", number(1, 25)}, {"model_year", number(2008, 18)},
	{"fiscal_year", number(2024, 3)}, {"installment_count", number(2, 9)}, {"grace_days", number(5, 15)}, {"notice_days", number(10, 20)},
	{"_hours", number(4, 68)}, {"_minutes", number(10, 4000)}, {"_miles", number(50, 950)}, {"_lbs", number(10000, 70000)},
	{"entry_count", number(3, 40)}, {"row_total", number(10, 90)}, {"size_bytes", number(40000, 2000000)}, {"mileage", number(40000, 4000000)}, {"_ms", number(80, 900)}, {"_gallons", number(500, 20000)},
	{"_count", number(0, 6)}, {"unit_count", number(1, 12)}, {"sort_order", func(uint64) generator { return func(r *row) any { return int64(r.nth()+1) * 10 } }},
	{"effective_on", day(0, 1)}, {"expires_on", day(365, 1)}, {"until_on", day(30, 1)}, {"due_on", day(30, 1)}, {"ends_on", day(365, 1)}, {"period_end_on", day(30, 1)}, {"trial_on", day(300, 200)}, {"first_due_on", day(15, 1)},
	{"birth_on", day(-18000, 9500)}, {"hired_on", day(-2500, 2400)}, {"cdl_issued_on", day(-5000, 4000)}, {"issued_on", day(0, 1)}, {"by_on", day(30, 1)}, {"_on", day(0, 12)},
	{"due_at", instant(3, 10)}, {"expires_at", instant(90, 300)}, {"_at", instant(0, 6)},
}

func instant(from, spread int) func(uint64) generator {
	return func(salt uint64) generator {
		return func(r *row) any {
			h := r.hash(salt)
			return moment(r.day+from+int(h>>32%uint64(spread)), h)
		}
	}
}

func person(salt uint64) generator {
	return func(r *row) any { f, l := personName(r.hash(salt)); return f + " " + l }
}

func company(salt uint64) generator { return func(r *row) any { return companyName(r.hash(salt)) } }

func insured(uint64) generator { return func(r *row) any { return r.insuredName() } }

func hashes(salt uint64) generator {
	return func(r *row) any {
		h := r.hash(salt)
		return fmt.Sprintf("%016x%016x%016x%016x", h, mix(h), mix(h+1), mix(h+2))
	}
}

func hashes32(salt uint64) generator {
	return func(r *row) any { h := r.hash(salt); return fmt.Sprintf("%016x%016x", h, mix(h)) }
}

var byKind = map[string]func(uint64) generator{
	"tinyint": func(salt uint64) generator {
		return func(r *row) any {
			if r.hash(salt)%5 == 0 {
				return int64(1)
			}
			return int64(0)
		}
	},
	"smallint": number(1, 20), "int": number(1, 50), "bigint": number(1000, 90000), "decimal": decimal(10000, 20000),
	"json":    func(salt uint64) generator { return func(r *row) any { return `{"source": "portal", "version": 1}` } },
	"date":    day(0, 10),
	"time":    oneOf([]string{"20:00:00", "07:00:00", "22:00:00"}),
	"text":    oneOf(actions),
	"varchar": oneOf(words("standard preferred primary general regional")), "char": oneOf([]string{"A"}),
	"datetime": instant(0, 6),
}

var singularEnds = []struct{ plural, singular string }{{"ies", "y"}, {"ches", "ch"}, {"eaux", "eau"}, {"s", ""}}

func singular(name string) string {
	for _, end := range singularEnds {
		if stem, is := strings.CutSuffix(name, end.plural); is {
			return stem + end.singular
		}
	}
	return name
}

// prefixes of the numbers people quote on the phone; others have their initials.
var prefixes = map[string]string{
	"policies": "OCA", "claims": "CLM", "submissions": "SUB", "quotes": "Q", "invoices": "INV", "payments": "PAY", "insureds": "INS",
	"binders": "BND", "disbursements": "DSB", "settlements": "STL", "billing_accounts": "BA", "refunds": "RF", "gl_journals": "JE", "gl_batches": "GLB",
}

func (r *row) number() string { return r.numberOf(r.t.name, r.i) }

func (w *world) numberOf(name string, i int) string {
	t := w.tables[name]
	prefix := t.prefix
	return fmt.Sprintf("%s-%02d-%06d", prefix, 23+(max(w.dayOf(t, i), 0)+146)/365, i+1)
}

func (t *table) initials() string {
	if known := prefixes[t.name]; known != "" {
		return known
	}
	text := ""
	var textSb384 strings.Builder
	for part := range strings.SplitSeq(t.name, "_") {
		textSb384.WriteString(strings.ToUpper(part[:min(2, len(part))]))
	}
	text += textSb384.String()
	return text
}

func (r *row) dotNumber() string {
	insured := max(0, r.up("insureds"))
	return strconv.Itoa(1200000 + insured*17%2400000)
}
