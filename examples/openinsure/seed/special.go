package main

import (
	"fmt"
	"strconv"
	"strings"
)

func zero(*row) any { return int64(0) }

func text(value string) generator { return func(*row) any { return value } }

// byName are columns that mean the same in every table.
var byName = map[string]generator{
	"created_at": func(r *row) any { return moment(r.day, r.hash(7)) },
	"updated_at": func(r *row) any { return moment(r.day+1+int(r.hash(8)%20), r.hash(8)) },
	"vin":        func(r *row) any { return vin(r.hash(9)) },
	"line1":      func(r *row) any { return fmt.Sprintf("%d %s", 100+r.hash(10)%9800, pick(streets, r.hash(10)>>32)) },
	"line2":      func(r *row) any { return fmt.Sprintf("Suite %d", 100+r.hash(11)%800) },
	"make":       func(r *row) any { return r.unit().make },
	"model":      func(r *row) any { return r.unit().model },
	"gvw_lbs":    func(r *row) any { return int64(r.unit().gvw) },
	"class_code": func(r *row) any { return fmt.Sprintf("%d%d499", 2+r.hash(12)%5, r.hash(12)>>8%10) },
	"currency":   text("USD"),
	"locale":     text("en-US"),
	"time_zone": func(r *row) any {
		return pick(words("America/New_York America/Chicago America/Denver America/Los_Angeles"), r.hash(13))
	},
	"subject": func(r *row) any { return pick(subjects, r.hash(14)) },
	"title":   func(r *row) any { return pick(subjects, r.hash(14)) },
	"body":    func(r *row) any { return pick(actions, r.hash(15)) + "." },
	"description": func(r *row) any {
		if strings.HasSuffix(r.t.name, "violations") {
			_, meaning, _ := strings.Cut(pick(violations, r.hash(1001)), ":")
			return meaning
		}
		return pick(actions, r.hash(15))
	},
	"narrative": func(r *row) any {
		return "Insured unit: " + strings.ToLower(pick(causes, r.hash(16))) + " on the interstate."
	},
	"notes":          func(r *row) any { return pick(actions, r.hash(15)) },
	"job_title":      func(r *row) any { return pick(jobs, r.hash(17)) },
	"department":     func(r *row) any { return pick(words("Underwriting Claims Accounting Operations"), r.hash(17)) },
	"mime_type":      text("application/pdf"),
	"ip_address":     func(r *row) any { return fmt.Sprintf("203.0.113.%d", 1+r.hash(18)%250) },
	"user_agent":     text("Mozilla/5.0 (Windows NT 10.0; Win64; x64)"),
	"gateway":        text("stripe"),
	"processor":      text("stripe"),
	"edition_date":   text("10 13"),
	"fein":           func(r *row) any { return fmt.Sprintf("%02d-%07d", 10+r.hash(19)%80, r.hash(19)>>8%10000000) },
	"tax_number":     func(r *row) any { return fmt.Sprintf("%02d-%07d", 10+r.hash(19)%80, r.hash(19)>>8%10000000) },
	"mc_number":      func(r *row) any { return fmt.Sprintf("MC%d", 200000+max(0, r.up("insureds"))%1300000) },
	"npn":            func(r *row) any { return strconv.Itoa(3000000 + r.i) },
	"storage_key":    func(r *row) any { return fmt.Sprintf("%s/%s.pdf", r.t.name, r.id(r.t.name, r.i)) },
	"am_best_rating": func(r *row) any { return pick(words("A++ A+ A A A- B++"), r.hash(20)) },
	"rating":         func(r *row) any { return pick(words("A++ A+ A A A-"), r.hash(20)) },
	"latitude":       func(r *row) any { return fmt.Sprintf("%d.%06d", 29+r.hash(21)%13, r.hash(21)>>8%1000000) },
	"longitude":      func(r *row) any { return fmt.Sprintf("-%d.%06d", 78+r.hash(22)%40, r.hash(22)>>8%1000000) },
	"weather":        func(r *row) any { return pick(words("clear rain snow fog wind"), r.hash(23)) },
	"road_condition": func(r *row) any { return pick(conditions, r.hash(24)) },
	"eld_provider":   func(r *row) any { return pick(words("Samsara Motive Geotab Omnitracs"), r.hash(25)) },
	"filing_period":  func(r *row) any { return date(r.day)[:7] },
	"expires_month":  func(r *row) any { return date(r.day + 900)[:7] },
	"reporting_quarter": func(r *row) any {
		return fmt.Sprintf("%sQ%d", date(r.day)[:4], r.hash(26)%4+1)
	},
	"from_status":     text("open"),
	"to_status":       text("in_review"),
	"gl_account_code": text("4000"),
	"percentile":      func(r *row) any { return int64(r.hash(27) % 100) },
	"threshold":       func(*row) any { return int64(65) },
	"inspection_level": func(r *row) any {
		return int64(1 + r.hash(28)%3)
	},
	"policy_number": func(r *row) any {
		if policy := r.up("policies"); policy >= 0 {
			return r.numberOf("policies", policy)
		}
		return fmt.Sprintf("PRV-%07d", r.hash(29)%10000000)
	},
	"lines_of_authority": text(`["property", "casualty"]`),
	"endorsements_held":  text(`["N", "T"]`),
	"scopes":             text(`["policies:read", "claims:read", "billing:read"]`),
	"settings":           text(`{"currency": "USD", "document_language": "en"}`),
	"appetite":           text(`{"radius_max": 1000, "commodities": ["general_freight", "refrigerated_food"]}`),

	"snapshot": func(r *row) any { return fmt.Sprintf(`{"policy": "%s"}`, r.numberOf("policies", r.up("policies"))) },
	"field_name": func(r *row) any {
		return pick(words("limit_cents deductible_cents garaging_postal_code status driver"), r.hash(30))
	},
	"bill_day": func(r *row) any { return int64(1 + r.hash(31)%28) },
	"fiscal_year_start_month": func(*row) any {
		return int64(1)
	},
	"legal_name":          func(r *row) any { return r.insuredName() },
	"term_months":         func(*row) any { return int64(12) },
	"line_no":             func(r *row) any { return int64(r.nth() + 1) },
	"damage_area":         func(r *row) any { return pick(words("front rear left_side right_side trailer_roof cab"), r.hash(32)) },
	"body_part":           func(r *row) any { return pick(words("neck back shoulder knee head wrist"), r.hash(32)) },
	"icd10_code":          func(r *row) any { return pick(words("S13.4 S33.5 S06.0 S82.0 S52.5"), r.hash(32)) },
	"procedure_code":      func(r *row) any { return pick(words("99213 99284 72141 97110 73030"), r.hash(32)) },
	"payment_method":      func(r *row) any { return pick(words("check ach wire"), r.hash(32)) },
	"memo":                func(r *row) any { return pick(subjects, r.hash(14)) },
	"card_brand":          func(r *row) any { return pick(words("visa mastercard amex"), r.hash(38)) },
	"license_class":       text("A"),
	"loss_city":           func(r *row) any { return r.place().city },
	"venue_county":        func(r *row) any { return pick(countyNames, r.hash(38)) },
	"dispatch_terminal":   func(r *row) any { return r.place().city + " terminal" },
	"tow_yard":            func(r *row) any { return r.place().city + " Towing" },
	"police_department":   func(r *row) any { return r.place().city + " Police Department" },
	"treated_at_facility": func(r *row) any { return r.place().city + " Medical Center" },
	"insurer_on_file":     func(r *row) any { return pick(carriers, r.hash(38)) },
	"disposition":         func(r *row) any { return pick(words("convicted dismissed reduced pending"), r.hash(38)) },
	"cited_party":         func(r *row) any { return pick(words("driver carrier"), r.hash(38)) },
	"change_note":         func(r *row) any { return pick(reasons, r.hash(38)) },
	"change_summary":      func(r *row) any { return pick(reasons, r.hash(38)) },
	"fatality_count":      zero,
	"report_section":      text("balance_sheet"),
	"return_code":         text("R01"),
	"trace_prefix":        text("09100001"),
	"iso_symbol":          text("07"),
	"statutory_line":      text("19.4"),
}

func (r *row) unit() unit { return pick(units, r.hash(33)) }

func (r *row) policy() int { return r.up("policies") }

// sticky references are an insured's own: its producer, its program.
func (r *row) program() int {
	if insured := r.up("insureds"); insured >= 0 {
		return int(r.hashOf(r.tables["insureds"], insured, 34) % uint64(r.tables["programs"].rows))
	}
	return int(r.hash(34) % uint64(r.tables["programs"].rows))
}

func (r *row) producer() int {
	org, insured := r.up("orgs"), max(0, r.up("insureds"))
	from, to := r.tables["producers"].children(r.tables["orgs"], org)
	return from + int(r.hashOf(r.tables["insureds"], insured, 35)%uint64(to-from))
}

func producerID(r *row) any { return r.id("producers", r.producer()) }
func programID(r *row) any  { return r.id("programs", r.program()) }
func carrierID(r *row) any {
	return r.id("carriers", r.tables["programs"].parentOf(r.program()))
}

func policyPremium(r *row) any { return r.premium(r.policy()) }
func policyTaxes(r *row) any   { return taxes(r.premium(r.policy())) }
func policyFees(*row) any      { return int64(policyFee) }

func effective(r *row) any { return date(r.effectiveDay(r.policy())) }
func expires(r *row) any   { return date(r.effectiveDay(r.policy()) + 365) }

func policyStatus(r *row) any {
	switch h := r.hash(36) % 100; {
	case r.day+365 < today && h < 80:
		return "expired"
	case r.day+365 < today && h < 92:
		return "nonrenewed"
	case h < 5:
		return "cancelled"
	case r.day+30 > today:
		return "bound"
	}
	return "active"
}

// coverageShare is how a policy's premium falls on its coverages.
func coverageShare(r *row) any {
	premium, first := r.premium(r.policy()), int64(0)
	n := r.siblings()
	if n == 1 {
		return premium
	}
	for _, c := range coverages[1:n] {
		first += premium * c.share / 100
	}
	if r.nth() == 0 {
		return premium - first
	}
	return premium * coverages[r.nth()].share / 100
}

func invoicePart(part int) generator {
	return func(r *row) any {
		premium, tax, fee := r.invoice(r.up("invoices"))
		return []int64{premium, tax, fee, premium + tax + fee}[part]
	}
}

func invoiceStatus(r *row) any {
	switch {
	case r.isPaid(r.i):
		return "paid"
	case r.day+30 < today:
		return "past_due"
	}
	return "sent"
}

func whenPaid(then generator, otherwise any) generator {
	return func(r *row) any {
		if r.isPaid(r.up("invoices")) {
			return then(r)
		}
		return otherwise
	}
}

func periodCents(r *row) any { return r.ledger[r.up("gl_periods")].cents }

// claimCents: what a claim has reserved and paid, of one severity.
func (r *row) claimCents() (reserve, paid int64) {
	h := r.hashOf(r.tables["claims"], r.up("claims"), 37)
	incurred := int64(1500+h%9000) * 100
	if h>>40%20 == 0 {
		incurred *= 25
	}
	paid = incurred * int64(h>>20%100) / 100
	return incurred - paid, paid
}

func claimPart(part int) generator {
	return func(r *row) any {
		reserve, paid := r.claimCents()
		return []int64{reserve, paid, reserve + paid}[part]
	}
}

func list(values []string) generator { return func(r *row) any { return pick(values, uint64(r.i)) } }

func state(part int) generator {
	return func(r *row) any {
		code := stateNames[r.up("states")%len(stateNames)]
		return strings.ReplaceAll(strings.Split(code, ":")[part], "_", " ")
	}
}

func account(part int) generator {
	return func(r *row) any { return strings.Split(ledgerAt(r.nth()), ":")[part] }
}

func ledgerAt(nth int) string { return ledger[nth%len(ledger)] }

func coverageOf(r *row) coverage { return coverages[r.nth()%len(coverages)] }

func plus(days int) generator { return func(r *row) any { return date(r.day + days) } }

// fixed is a number made of the row's own, for keys that are unique.
func fixed(format string) generator { return func(r *row) any { return fmt.Sprintf(format, r.i+1) } }

// sums are pairs of columns of which a check says how they add up.
func pair(salt uint64, part int) generator {
	return func(r *row) any {
		a, b := int64(500+r.hash(salt)%9000)*100, int64(r.hash(salt)>>20%400)*100
		return []int64{a, b, a + b, a - b}[part]
	}
}

// special are columns that must agree with others.
var special = map[string]generator{
	"orgs.slug":         func(r *row) any { return strings.ToLower(strings.ReplaceAll(orgName(r.i), " ", "-")) },
	"orgs.legal_name":   func(r *row) any { return orgName(r.i) + " Underwriters LLC" },
	"orgs.display_name": func(r *row) any { return orgName(r.i) },
	"orgs.status":       text("active"), "orgs.org_type": text("mga"), "orgs.closed_at": text2nil, "users.status": text("active"),
	"org_domains.domain_name":    func(r *row) any { return strings.ToLower(strings.ReplaceAll(orgName(r.i), " ", "-")) + ".example.com" },
	"org_settings.setting_value": text(`{"value": 30}`),
	"roles.org_id":               func(r *row) any { return r.id("orgs", r.up("orgs")) },
	"agencies.org_id":            func(r *row) any { return r.id("orgs", r.up("orgs")) },
	"agencies.legal_name": func(r *row) any {
		return pick(lastNames, r.hash(50)) + " " + pick(lastNames, r.hash(50)>>20) + " Insurance Agency"
	},
	"permissions.permission_key": func(r *row) any { return resource(r) + "." + listed["permissions.action"][r.i%6] },
	"permissions.resource":       func(r *row) any { return resource(r) },
	"permissions.action":         func(r *row) any { return listed["permissions.action"][r.i%6] },
	"role_permissions.permission_id": func(r *row) any {
		return r.id("permissions", (r.nth()*5+r.index[1])%r.tables["permissions"].rows)
	},
	"producer_licenses.state":        func(r *row) any { return places[r.nth()%2*16+int(r.hash(51)%16)].state },
	"producer_licenses.license_type": func(r *row) any { return pick(words("producer surplus_lines"), uint64(r.nth())) },
	"carriers.legal_name":            list(carriers), "carriers.carrier_code": fixed("CAR%02d"), "carriers.naic_code": fixed("2%04d"),
	"carrier_licenses.state": func(r *row) any { return stateNames[r.nth()*2%51][:2] },
	"reinsurers.legal_name":  list(reinsurers), "reinsurers.reinsurer_code": fixed("RE%02d"), "reinsurers.domicile_country": list(words("BM CH BM DE JP GB GB US US BM")),
	"program_states.state_code": func(r *row) any { return stateNames[r.nth()*2%51][:2] },
	"programs.name": func(r *row) any {
		return pick(words("Roadway Longhaul Metro Owner-Operator Fleet Specialty"), r.hash(52)) + " " + pick(phrases("Trucking\nCommercial Auto\nMotor Carrier\nCargo"), r.hash(52)>>20) + fmt.Sprintf(" %02d", r.i+1)
	},
	"programs.status": text("active"), "programs.program_code": fixed("PRG%03d"),
	"program_coverages.coverage_type_id": func(r *row) any { return r.id("coverage_types", r.nth()%r.tables["coverage_types"].rows) },
	"program_deductibles.deductible_cents": func(r *row) any {
		return []int64{100000, 250000, 500000, 1000000}[r.nth()%4]
	},
	"rating_table_rows.dimension_1": func(r *row) any { return fmt.Sprintf("band %d", r.nth()+1) }, "rating_tables.dimension_names": text(`["territory", "radius"]`),
	"rating_table_rows.range_from":    func(r *row) any { return int64(r.nth() * 50) },
	"rating_table_rows.range_to":      func(r *row) any { return int64(r.nth()*50 + 50) },
	"rating_table_rows.factor":        decimal(8000, 6000)(53),
	"rating_table_rows.flat_cents":    zero,
	"referral_rules.assigned_role_id": func(*row) any { return nil },
	"referral_rules.trigger_expression": func(r *row) any {
		return listed["rules.expression"][r.nth()%6]
	},
	"referral_rules.name":        func(r *row) any { return strings.Split(listed["rules.message"][r.nth()%6], ".")[0] },
	"rules.name":                 func(r *row) any { return listed["rules.message"][r.nth()%6] },
	"rule_versions.expression":   func(r *row) any { return listed["rules.expression"][r.up("rules")%6] },
	"rule_versions.test_results": text(`{"passed": 12, "failed": 0}`),
	"states.code":                state(0), "states.name": state(1), "states.fips_code": fixed("%02d"),
	"counties.state_code": state(0), "counties.name": func(r *row) any { return countyNames[r.nth()%6] }, "counties.fips_code": fixed("%05d"), "counties.population": number(20000, 900000)(54),
	"zip_territories.state_code": state(0), "zip_territories.postal_code": fixed("%05d"),
	"vehicle_classes.class_code": func(r *row) any { return fmt.Sprintf("%d1499", 20+r.i) },
	"vehicle_classes.name": func(r *row) any {
		return pick(phrases("Light truck, local\nMedium truck, intermediate\nHeavy truck, long haul\nTruck-tractor\nSemitrailer\nService trailer"), uint64(r.i)) + fmt.Sprintf(" %d", r.i/6+1)
	},
	"vehicle_classes.gvw_min_lbs": func(r *row) any { return int64(r.i%6) * 10000 }, "vehicle_classes.gvw_max_lbs": func(r *row) any { return int64(r.i%6)*10000 + 9999 },
	"coverage_types.coverage_code": func(r *row) any { return coverageOf(r).code }, "coverage_types.name": func(r *row) any { return coverageOf(r).name }, "coverage_types.coverage_part": func(r *row) any { return coverageOf(r).part },
	"policy_forms.form_number": func(r *row) any { return fmt.Sprintf("CA %04d", r.i+1) }, "cause_of_loss_codes.cause_code": fixed("C%02d"), "policy_forms.title": list(formTitles),
	"cause_of_loss_codes.name": list(causes),

	"insureds.email":       func(r *row) any { return fmt.Sprintf("office@carrier%d.example.com", r.i+1) },
	"policies.producer_id": producerID, "policies.program_id": programID, "policies.carrier_id": carrierID,
	"policies.status": policyStatus, "policies.line_of_business": text("commercial_auto"), "policies.effective_on": effective, "policies.expires_on": expires,
	"policies.premium_cents": policyPremium, "policies.taxes_cents": policyTaxes, "policies.fees_cents": policyFees,
	"policies.total_cents":     func(r *row) any { p := r.premium(r.i); return p + taxes(p) + policyFee },
	"policies.commission_rate": text("0.125000"),
	"policies.is_renewal": func(r *row) any {
		if r.nth()%3 > 0 {
			return int64(1)
		}
		return int64(0)
	},
	"policies.prior_policy_number": func(r *row) any {
		if r.nth()%3 == 0 {
			return nil
		}
		return r.numberOf("policies", r.i-1)
	},
	"policy_terms.effective_on": effective, "policy_terms.expires_on": expires, "policy_terms.written_premium_cents": policyPremium, "policy_terms.taxes_cents": policyTaxes, "policy_terms.fees_cents": policyFees,
	"policy_terms.status": func(r *row) any {
		return map[bool]string{true: "expired", false: "current"}[r.effectiveDay(r.policy())+365 < today]
	},
	"policy_terms.earned_premium_cents": func(r *row) any { earned, _ := r.earned(); return earned },
	"policy_terms.unearned_premium_cents": func(r *row) any {
		_, unearned := r.earned()
		return unearned
	},
	"policy_terms.earned_through_on":    func(r *row) any { return date(min(today, r.effectiveDay(r.policy())+365)) },
	"policy_versions.effective_on":      effective,
	"policy_versions.premium_cents":     policyPremium,
	"policy_transactions.effective_on":  effective,
	"policy_transactions.accounting_on": effective, "policy_transactions.status": text("posted"), "policy_transactions.transaction_type": text("new_business"),
	"policy_transactions.premium_delta_cents": policyPremium, "policy_transactions.taxes_delta_cents": policyTaxes, "policy_transactions.fees_delta_cents": policyFees,
	"policy_transactions.commission_delta_cents": func(r *row) any { return r.premium(r.policy()) / 8 },
	"policy_renewals.expiring_premium_cents":     policyPremium, "policy_renewals.renewal_on": expires, "policy_renewals.renewal_policy_id": func(r *row) any {
		if t, p := r.tables["policies"], r.policy(); p+1 < t.start(r.up("insureds")+1) && (p-t.start(r.up("insureds")))%3 < 2 {
			return r.id("policies", p+1)
		}
		return nil
	},
	"policy_coverages.premium_cents":       coverageShare,
	"policy_coverages.coverage_type_id":    func(r *row) any { return r.id("coverage_types", r.nth()%len(coverages)) },
	"policy_coverages.limit_cents":         func(r *row) any { return coverageOf(r).limit },
	"policy_coverages.deductible_cents":    func(r *row) any { return coverageOf(r).deductible },
	"policy_coverages.effective_on":        effective,
	"policy_coverages.expires_on":          expires,
	"policy_coverages.status":              text("active"),
	"vehicles.body_type":                   func(r *row) any { return r.unit().body },
	"submission_vehicles.body_type":        func(r *row) any { return r.unit().body },
	"vehicles.stated_value_cents":          dollars(12000, 300, 500)(55),
	"submission_vehicles.vin":              func(r *row) any { return vin(r.hash(9)) },
	"driver_licenses.license_class":        text("A"),
	"driver_licenses.issued_on":            plus(-700),
	"driver_licenses.expires_on":           plus(760),
	"driver_violations.violation_on":       plus(-300),
	"mvr_violations.violation_on":          plus(-300),
	"vehicle_garaging_history.moved_in_on": plus(-100),

	"submissions.producer_id": producerID, "submissions.program_id": programID, "submissions.effective_on": plus(20), "submissions.line_of_business": text("commercial_auto"),
	"submissions.status": func(r *row) any {
		from, to := r.tables["policies"].children(r.tables["insureds"], r.up("insureds"))
		if r.nth() < to-from {
			return "bound"
		}
		return pick(words("received in_review quoted declined lost withdrawn"), r.hash(56))
	},
	"quotes.program_id": programID, "quotes.carrier_id": carrierID, "quotes.effective_on": plus(20), "quotes.expires_on": plus(385),
	"quotes.premium_cents": quotePart(0), "quotes.taxes_cents": quotePart(1), "quotes.fees_cents": quotePart(2), "quotes.total_cents": quotePart(3), "quotes.liability_limit_cents": func(*row) any { return int64(100000000) },
	"quotes.status":                          text("released"),
	"loss_runs.term_effective_on":            plus(-730),
	"loss_runs.term_expires_on":              plus(-365),
	"motor_carriers.dot_number":              func(r *row) any { return r.dotNumber() },
	"motor_carriers.status":                  text("active"),
	"fmcsa_snapshots.operating_status":       text("AUTHORIZED FOR PROPERTY"),
	"fmcsa_snapshots.raw_payload":            func(r *row) any { return fmt.Sprintf(`{"dotNumber": "%s", "allowedToOperate": "Y"}`, r.dotNumber()) },
	"quote_worksheets.inputs":                text(`{"units": 4, "radius": 500}`),
	"quote_worksheets.outputs":               text(`{"rate": 0.0412}`),
	"quote_worksheets.rating_engine_version": text("2026.2.1"),

	"claims.loss_at":       func(r *row) any { return moment(r.day, r.hash(57)) },
	"claims.reported_at":   func(r *row) any { return moment(r.day+1+int(r.hash(57)%6), r.hash(57)) },
	"claims.reserve_cents": claimPart(0), "claims.paid_cents": claimPart(1), "claims.incurred_cents": claimPart(2), "claims.recovered_cents": zero, "claim_coverages.reserve_cents": claimPart(0), "claim_coverages.paid_cents": claimPart(1),
	"claims.line_of_business": text("auto_liability"), "claim_coverages.coverage_code": text("AL"), "claim_coverages.limit_cents": func(*row) any { return int64(100000000) }, "claim_coverages.deductible_cents": zero,
	"claim_coverages.policy_coverage_id": func(r *row) any { return r.id("policy_coverages", r.tables["policy_coverages"].start(r.policy())) },
	"claim_reserves.previous_cents":      zero, "claim_reserves.new_cents": claimPart(2), "claim_reserves.change_cents": claimPart(2), "claim_reserves.reserve_type": text("indemnity"), "claim_reserves.status": text("approved"),
	"claim_drivers.fault_pct":    number(0, 101)(58),
	"disbursements.amount_cents": disbursed, "disbursement_lines.amount_cents": disbursed,
	"claimant_medical_bills.billed_cents": pair(59, 2), "claimant_medical_bills.allowed_cents": pair(59, 0), "claimant_medical_bills.paid_cents": pair(59, 0), "claimant_medical_bills.service_from_on": plus(0), "claimant_medical_bills.service_to_on": plus(3),
	"vendor_invoices.fees_cents": pair(60, 0), "vendor_invoices.expenses_cents": pair(60, 1), "vendor_invoices.total_cents": pair(60, 2),
	"subrogation_recoveries.amount_cents": pair(61, 0), "subrogation_recoveries.expense_cents": pair(61, 1), "subrogation_recoveries.net_cents": pair(61, 3),
	"subrogation_cases.statute_expires_on": plus(730),
	"salvage_items.description":            func(r *row) any { return r.unit().make + " " + r.unit().model },

	"invoices.premium_cents": invoicePart(0), "invoices.taxes_cents": invoicePart(1), "invoices.fees_cents": invoicePart(2), "invoices.total_cents": invoicePart(3),
	"invoices.status": invoiceStatus, "invoices.paid_cents": whenPaid(invoicePart(3), int64(0)), "invoices.sent_at": func(r *row) any { return moment(r.day, r.hash(62)) },
	"invoices.balance_cents": func(r *row) any {
		if r.isPaid(r.i) {
			return int64(0)
		}
		return r.invoiceTotal(r.i)
	},
	"invoices.invoice_type": func(r *row) any { return map[bool]string{true: "down_payment", false: "installment"}[r.nth() == 0] },
	"invoice_lines.amount_cents": func(r *row) any {
		premium, tax, fee := r.invoice(r.up("invoices"))
		if r.siblings() == 1 {
			return premium + tax + fee
		}
		return []int64{premium, tax + fee}[r.nth()%2]
	},
	"invoice_lines.description": func(r *row) any { return []string{"Policy premium", "Taxes and fees"}[r.nth()%2] }, "invoice_lines.coverage_code": func(*row) any { return nil },
	"invoice_lines.quantity": func(*row) any { return int64(1) },
	"payments.amount_cents":  invoicePart(3), "payments.applied_cents": invoicePart(3), "payments.unapplied_cents": zero, "payments.fee_cents": zero, "payments.status": text("cleared"),
	"payment_allocations.allocated_cents": invoicePart(3), "payment_allocations.status": text("applied"), "payment_attempts.amount_cents": invoicePart(3),
	"refunds.amount_cents": dollars(50, 200, 5)(63), "chargebacks.amount_cents": invoicePart(3),
	"payments.policy_id": func(r *row) any { return r.id("policies", r.policy()) },
	"payment_schedules.total_cents": func(r *row) any {
		p := r.premium(r.policy())
		return p + taxes(p) + policyFee
	},
	"payment_schedules.installment_count":  func(*row) any { return int64(4) },
	"payment_schedules.installment_cents":  func(r *row) any { return scheduled(r) / 4 },
	"payment_schedules.down_payment_cents": func(r *row) any { return scheduled(r) / 4 },
	"payment_schedules.first_due_on":       effective,
	"installments.amount_cents":            func(r *row) any { return share(scheduled(r), r.nth(), 4) },
	"installments.due_on":                  func(r *row) any { return date(r.effectiveDay(r.policy()) + r.nth()*90) },
	"installments.status":                  func(r *row) any { return map[bool]string{true: "paid", false: "scheduled"}[r.installmentPast()] },
	"installments.paid_cents": func(r *row) any {
		if r.installmentPast() {
			return share(scheduled(r), r.nth(), 4)
		}
		return int64(0)
	},
	"billing_accounts.balance_cents":                zero,
	"billing_accounts.past_due_cents":               zero,
	"billing_plans.down_payment_rate":               func(r *row) any { return words("1.0 0.5 0.25 0.2")[r.nth()%4] },
	"billing_plans.installment_count":               func(r *row) any { return []int64{1, 2, 4, 10}[r.nth()%4] },
	"premium_tax_assessments.taxable_premium_cents": policyPremium,
	"premium_tax_assessments.tax_rate":              text("0.030000"),
	"premium_tax_assessments.tax_cents":             policyTaxes,
	"commission_entries.producer_id":                producerID,
	"commission_entries.commission_statement_id":    commissionStatement,
	"commission_entries.premium_cents":              policyPremium,
	"commission_entries.commission_rate":            text("0.125000"),
	"commission_entries.commission_cents":           func(r *row) any { return r.premium(r.policy()) / 8 },
	"commission_statements.period_start_on":         plus(0),
	"commission_statements.period_end_on":           plus(30),

	"gl_periods.period_code":   func(r *row) any { return date(periodStart(r.nth()))[:7] },
	"gl_periods.fiscal_year":   func(r *row) any { return date(periodStart(r.nth()))[:4] },
	"gl_periods.fiscal_month":  func(r *row) any { return date(periodStart(r.nth()))[5:7] },
	"gl_periods.starts_on":     func(r *row) any { return date(periodStart(r.nth())) },
	"gl_periods.ends_on":       func(r *row) any { return date(periodStart(r.nth()+1) - 1) },
	"gl_periods.status":        func(r *row) any { return map[bool]string{true: "open", false: "closed"}[r.nth() == r.siblings()-1] },
	"gl_batches.journal_count": func(r *row) any { return r.ledger[r.up("gl_periods")].journals }, "gl_batches.total_debit_cents": periodCents, "gl_batches.total_credit_cents": periodCents, "gl_batches.source": text("billing"), "gl_batches.status": text("posted"),
	"gl_journals.gl_batch_id": func(r *row) any { return r.id("gl_batches", r.period(r)) }, "gl_journals.journal_on": plus(0), "gl_journals.source_type": text("invoice"), "gl_journals.status": text("posted"), "gl_journals.total_cents": invoicePart(3),
	"gl_journals.source_ref": func(r *row) any { return r.numberOf("invoices", r.up("invoices")) }, "gl_journals.memo": func(r *row) any { return "Invoice " + r.numberOf("invoices", r.up("invoices")) }, "gl_journals.reversed_journal_id": func(*row) any { return nil },
	"gl_entries.gl_account_id": func(r *row) any {
		return r.id("gl_accounts", r.tables["gl_accounts"].start(r.up("orgs"))+[]int{3, 13}[r.nth()%2])
	},
	"gl_entries.debit_cents": ledgerSide(0), "gl_entries.credit_cents": ledgerSide(1), "gl_entries.posted_on": plus(0),
	"gl_balances.gl_account_id": func(r *row) any {
		return r.id("gl_accounts", r.tables["gl_accounts"].start(r.up("orgs"))+[]int{3, 13, 6}[r.nth()%3])
	},
	"gl_balances.opening_cents": zero, "gl_balances.debit_cents": balanceSide(0), "gl_balances.credit_cents": balanceSide(1), "gl_balances.closing_cents": balanceSide(2), "gl_balances.entry_count": func(r *row) any { return r.ledger[r.up("gl_periods")].journals },
	"gl_reconciliations.gl_period_id": func(r *row) any {
		return r.id("gl_periods", r.tables["gl_periods"].start(r.up("orgs"))+24+r.nth()%12)
	},
	"gl_reconciliations.difference_cents":        zero,
	"gl_reconciliations.statement_balance_cents": dollars(20000, 9000, 10)(64),
	"gl_reconciliations.book_balance_cents":      dollars(20000, 9000, 10)(64),
	"gl_accounts.account_code":                   account(0),
	"gl_accounts.name":                           account(1),
	"gl_accounts.account_type":                   account(2),
	"gl_accounts.normal_side":                    account(3),
	"gl_accounts.gl_account_group_id": func(r *row) any {
		return r.id("gl_account_groups", r.tables["gl_account_groups"].start(r.index[1])+int(ledgerAt(r.nth())[0]-'1')%5)
	},
	"gl_account_groups.parent_group_id":             func(*row) any { return nil },
	"charts_of_accounts.name":                       text("MGA chart of accounts"),
	"gl_cost_centers.name":                          func(r *row) any { return listed["gl_cost_centers.department"][r.nth()%5] },
	"gl_posting_rules.amount_field":                 text("total_cents"),
	"gl_posting_rules.priority":                     func(r *row) any { return int64(r.nth()+1) * 10 },
	"reinsurance_treaties.name":                     func(r *row) any { return []string{"Quota share ", "Excess of loss "}[r.nth()%2] + date(r.day)[:4] },
	"reinsurance_treaties.treaty_type":              func(r *row) any { return []string{"quota_share", "excess_of_loss"}[r.nth()%2] },
	"reinsurance_treaties.effective_on":             plus(0),
	"reinsurance_treaties.expires_on":               plus(365),
	"reinsurance_treaties.cession_rate":             text("0.400000"),
	"treaty_participants.share_rate":                text("0.500000"),
	"reinsurance_cessions.gross_premium_cents":      policyPremium,
	"reinsurance_cessions.ceded_premium_cents":      ceded(40, 100),
	"reinsurance_cessions.ceding_commission_cents":  ceded(10, 100),
	"reinsurance_cessions.net_ceded_cents":          ceded(30, 100),
	"reinsurance_claim_recoveries.gross_loss_cents": claimPart(2),
	"bordereaux.period_start_on":                    plus(0),
	"bordereaux.period_end_on":                      plus(30),
}

func text2nil(*row) any { return nil }

func orgName(i int) string {
	name := companyFirst[i%len(companyFirst)] + " " + companySecond[i/len(companyFirst)%len(companySecond)]
	if round := i / (len(companyFirst) * len(companySecond)); round > 0 {
		name += fmt.Sprintf(" %d", round+1)
	}
	return name
}

func resource(r *row) string {
	return words("policies submissions quotes claims invoices payments users")[r.i/6%7]
}

func (r *row) earned() (earned, unearned int64) {
	premium := r.premium(r.policy())
	days := min(365, max(0, today-r.effectiveDay(r.policy())))
	earned = premium * int64(days) / 365
	return earned, premium - earned
}

func (r *row) installmentPast() bool { return r.effectiveDay(r.policy())+r.nth()*90 < today-20 }

func scheduled(r *row) int64 {
	premium := r.premium(r.policy())
	return premium + taxes(premium) + policyFee
}

func quotePart(part int) generator {
	return func(r *row) any {
		premium := int64(7000+r.hash(65)%30000) * 100
		return []int64{premium, taxes(premium), policyFee, premium + taxes(premium) + policyFee}[part]
	}
}

func disbursed(r *row) any {
	_, paid := r.claimCents()
	return max(paid, 10000)
}

func ledgerSide(side int) generator {
	return func(r *row) any {
		if r.nth()%2 == side {
			return r.invoiceTotal(r.up("invoices"))
		}
		return int64(0)
	}
}

func balanceSide(part int) generator {
	return func(r *row) any {
		cents := r.ledger[r.up("gl_periods")].cents
		return [][]int64{{cents, 0, cents}, {0, cents, -cents}, {0, 0, 0}}[r.nth()%3][part]
	}
}

func ceded(part, of int64) generator {
	return func(r *row) any { return r.premium(r.policy()) * part / of }
}

// commissionStatement is one of the agency of the policy's producer.
func commissionStatement(r *row) any {
	agency := r.tables["producers"].parentOf(r.producer())
	from, to := r.tables["commission_statements"].children(r.tables["agencies"], agency)
	if from == to {
		return nil
	}
	return r.id("commission_statements", from+int(r.hash(66)%uint64(to-from)))
}
