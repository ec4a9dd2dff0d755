package main

import "strings"

func words(text string) []string { return strings.Fields(text) }

func phrases(text string) []string {
	var result []string
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		result = append(result, strings.TrimSpace(line))
	}
	return result
}

var (
	firstNames = words(`James Maria Robert Linda Michael Patricia David Jennifer Carlos Ana William Susan Jose Karen Thomas Angela Daniel
		Rosa Kevin Denise Marcus Tanya Brian Monica Luis Sandra Steven Gloria Eric Yolanda Andre Melissa Travis Renee Dwayne Heather Miguel Carla Gary Priya`)
	lastNames = words(`Smith Johnson Garcia Williams Brown Martinez Jones Davis Rodriguez Miller Hernandez Wilson Lopez Anderson Gonzalez Taylor
		Thomas Moore Jackson Singh Perez Thompson White Harris Sanchez Clark Ramirez Lewis Robinson Walker Young Allen King Wright Torres Nguyen Hill Flores Green Kaur`)
	companyFirst = words(`Blue Northern Lone Silver Red Great Golden Eagle Iron Prairie Summit Cedar River Coastal Liberty Pioneer Keystone Sunset
		Granite Delta Valley Piedmont Heritage Patriot Frontier Copper Magnolia Bayou Mesa Lakeside`)
	companySecond = words(`Ridge Star Creek Plains Wolf Lakes Mountain Road Horse Line Point Hawk Canyon Harbor Bridge Trail Oak Stone Gate Pass`)
	companyThird  = phrases(`Trucking LLC
		Transport Inc
		Freight LLC
		Logistics Inc
		Carriers LLC
		Hauling LLC
		Express Inc
		Motor Lines Inc
		Cartage Co
		Enterprises LLC`)
	streets  = phrases("Industrial Blvd\nMain St\nCommerce Dr\nHighway 41\nRailroad Ave\nTerminal Rd\nMarket St\nOak St\nFreight Way\nDepot St\nMill Rd\nAirport Rd")
	carriers = phrases(`Cornerstone National Insurance Company
		Meridian Casualty Company
		Great Plains Fire and Marine Insurance Company
		Harborstone Specialty Insurance Company
		Redwood Indemnity Company
		Summit Surplus Lines Insurance Company
		Continental Roadway Insurance Company
		Ironbridge Insurance Company
		Blue Mesa Casualty Company
		Northgate Property and Casualty Company
		Pinnacle Fronting Insurance Company
		Old Dominion Underwriters Insurance Company`)
	reinsurers = phrases(`Atlantic Continental Reinsurance Ltd
		Helvetia Crown Re AG
		Bermuda Meridian Re Ltd
		Rhine Valley Re SE
		Pacific Rim Reinsurance Company
		Northern Light Re plc
		Harbor Street Syndicate 2741
		Keystone Re US Inc
		Evergreen Reinsurance Company
		Windward Specialty Re Ltd`)
	lenders = phrases("Daimler Truck Financial\nPACCAR Financial Corp\nFirst Prairie Bank\nCommercial Credit Group\nVolvo Financial Services\nTransport Capital LLC")
	banks   = phrases("First Prairie Bank\nCommerce State Bank\nHeartland Trust Company\nUnion Planters Bank")
	units   = []unit{
		{"Freightliner", "Cascadia", "tractor", 80000}, {"Peterbilt", "579", "tractor", 80000}, {"Kenworth", "T680", "tractor", 80000},
		{"Volvo", "VNL 760", "tractor", 80000}, {"International", "LT625", "tractor", 80000}, {"Mack", "Anthem", "tractor", 80000},
		{"Great Dane", "Everest", "trailer", 65000}, {"Utility", "3000R", "trailer", 65000}, {"Wabash", "DuraPlate", "trailer", 65000},
		{"Isuzu", "NPR-HD", "box_truck", 14500}, {"Ford", "F-650", "box_truck", 26000}, {"Hino", "L6", "straight_truck", 25950},
		{"Mack", "Granite", "dump_truck", 66000}, {"Ford", "Transit 350", "van", 9950}, {"Ram", "5500", "tow_truck", 19500},
	}
	places = []place{
		{"Dallas", "TX", "75212", "214", "113"}, {"Houston", "TX", "77029", "713", "201"}, {"Laredo", "TX", "78045", "956", "479"}, {"El Paso", "TX", "79928", "915", "141"},
		{"Atlanta", "GA", "30336", "404", "121"}, {"Savannah", "GA", "31408", "912", "051"}, {"Memphis", "TN", "38118", "901", "157"}, {"Nashville", "TN", "37210", "615", "037"},
		{"Chicago", "IL", "60638", "773", "031"}, {"Joliet", "IL", "60436", "815", "197"}, {"Indianapolis", "IN", "46241", "317", "097"}, {"Fort Wayne", "IN", "46809", "260", "003"},
		{"Columbus", "OH", "43228", "614", "049"}, {"Toledo", "OH", "43612", "419", "095"}, {"Charlotte", "NC", "28214", "704", "119"}, {"Greensboro", "NC", "27409", "336", "081"},
		{"Jacksonville", "FL", "32218", "904", "031"}, {"Tampa", "FL", "33619", "813", "057"}, {"Phoenix", "AZ", "85043", "602", "013"}, {"Fresno", "CA", "93725", "559", "019"},
		{"Fontana", "CA", "92337", "909", "071"}, {"Stockton", "CA", "95206", "209", "077"}, {"Denver", "CO", "80239", "303", "031"}, {"Kansas City", "MO", "64120", "816", "095"},
		{"Saint Louis", "MO", "63147", "314", "510"}, {"Omaha", "NE", "68138", "402", "055"}, {"Tulsa", "OK", "74116", "918", "143"}, {"Little Rock", "AR", "72206", "501", "119"},
		{"Birmingham", "AL", "35217", "205", "073"}, {"Louisville", "KY", "40219", "502", "111"}, {"Harrisburg", "PA", "17111", "717", "043"}, {"Salt Lake City", "UT", "84104", "801", "035"},
	}
	stateNames = words(`AL:Alabama AK:Alaska AZ:Arizona AR:Arkansas CA:California CO:Colorado CT:Connecticut DE:Delaware DC:District_of_Columbia FL:Florida
		GA:Georgia HI:Hawaii ID:Idaho IL:Illinois IN:Indiana IA:Iowa KS:Kansas KY:Kentucky LA:Louisiana ME:Maine MD:Maryland MA:Massachusetts MI:Michigan
		MN:Minnesota MS:Mississippi MO:Missouri MT:Montana NE:Nebraska NV:Nevada NH:New_Hampshire NJ:New_Jersey NM:New_Mexico NY:New_York NC:North_Carolina
		ND:North_Dakota OH:Ohio OK:Oklahoma OR:Oregon PA:Pennsylvania RI:Rhode_Island SC:South_Carolina SD:South_Dakota TN:Tennessee TX:Texas UT:Utah
		VT:Vermont VA:Virginia WA:Washington WV:West_Virginia WI:Wisconsin WY:Wyoming`)
	countyNames  = words("Washington Jefferson Franklin Jackson Lincoln Madison")
	causes       = phrases("Rear-end collision\nIntersection collision\nJackknife\nRollover\nLane change\nBacking\nAnimal strike\nHail\nFlood\nWindstorm\nTire fire\nEngine fire\nTheft of unit\nTheft of cargo\nCargo spoilage\nLoad shift\nGlass breakage\nVandalism\nPedestrian\nParked vehicle\nFalling object\nTowing damage\nLoading injury\nReefer breakdown")
	formTitles   = phrases("Business Auto Coverage Form\nMotor Carrier Coverage Form\nCommon Policy Conditions\nNuclear Energy Liability Exclusion\nMCS-90 Endorsement\nDrivers Exclusion Endorsement\nMotor Truck Cargo Coverage Form\nWaiver of Transfer of Rights\nAdditional Insured Endorsement\nLoss Payable Clause\nUninsured Motorists Coverage\nCommercial Auto Declarations")
	coverages    = []coverage{{"AL", "Auto Liability", 100000000, 0, 62, "liability"}, {"PD", "Physical Damage", 15000000, 250000, 24, "physical_damage"}, {"MTC", "Motor Truck Cargo", 10000000, 250000, 8, "cargo"}, {"GL", "Truckers General Liability", 100000000, 0, 3, "liability"}, {"UM", "Uninsured Motorist", 6000000, 0, 1, "liability"}, {"MP", "Medical Payments", 500000, 0, 1, "first_party"}, {"TI", "Trailer Interchange", 5000000, 100000, 1, "physical_damage"}, {"NTL", "Non-Trucking Liability", 100000000, 0, 1, "liability"}}
	violations   = phrases("392.2S:Speeding 11-14 mph over the limit\n395.8:Record of duty status not current\n393.47:Brake out of adjustment\n393.75:Tire tread depth below limit\n396.3:Vehicle not maintained\n391.41:No medical certificate\n392.16:Failing to use a seat belt\n393.9:Inoperative required lamp\n392.82:Using a hand-held phone\n397.9:Hazardous materials route violation")
	commodities  = words("General_freight Refrigerated_food Dry_bulk Building_materials Produce Paper_products Machinery Household_goods Steel Beverages Grain Automobiles")
	actions      = phrases("Left a voicemail and sent an e-mail\nReviewed driver list against the MVRs on file\nConfirmed garaging address with the insured\nRequested the latest IFTA report\nSpoke with the agent about the expiring rate\nWaiting for signed application\nVerified authority and insurance filings\nDocuments received and indexed\nLoss control visit scheduled\nApproved as submitted")
	subjects     = phrases("Garaging address confirmed\nDriver list update\nRequest for documents\nFollow-up with agent\nReview completed\nPayment arrangement\nLoss runs received\nInspection report\nPhone call with insured\nCoverage question")
	jobs         = phrases("Underwriter\nSenior Underwriter\nClaims Adjuster\nOperations Manager\nSafety Director\nAccount Manager\nBilling Specialist\nOwner\nController\nCompliance Analyst")
	reasons      = phrases("Requested by insured\nNon-payment of premium\nDriver experience below guideline\nPrice\nLoss ratio above target\nPremium correction\nBusiness sold\nUnits sold\nCoverage placed elsewhere\nRate filing change")
	conditions   = words("dry wet icy snow fog gravel")
	ledger       = phrases("1000:Premium trust cash:asset:debit\n1010:Operating cash:asset:debit\n1020:Claims cash:asset:debit\n1100:Premiums receivable:asset:debit\n1150:Agency balances receivable:asset:debit\n1200:Reinsurance recoverable:asset:debit\n2000:Premiums payable to carriers:liability:credit\n2050:Unearned premium:liability:credit\n2100:Commissions payable:liability:credit\n2150:Premium taxes payable:liability:credit\n2200:Loss reserves:liability:credit\n2250:Ceded premium payable:liability:credit\n3000:Members' equity:equity:credit\n4000:Written premium:revenue:credit\n4050:MGA commission income:revenue:credit\n4100:Policy fee income:revenue:credit\n5000:Losses incurred:expense:debit\n5050:Loss adjustment expense:expense:debit\n5100:Producer commission expense:expense:debit\n6000:General and administrative:expense:debit")
	accountNames = phrases("Premium Trust Account\nOperating Account\nClaims Account\nCommission Account")
)

// listed are the values of columns that run through a list, parent by parent.
var listed = map[string][]string{
	"org_settings.setting_key": words("billing.grace_days claims.auto_assign portal.theme documents.retention_years quotes.valid_days notifications.from"), "org_feature_flags.flag_key": words("mvr_auto_order instant_quote claims_portal ach_autopay telematics"),
	"roles.role_key": words("admin underwriter claims_adjuster accountant producer auditor"), "roles.name": phrases("Administrator\nUnderwriter\nClaims adjuster\nAccountant\nProducer\nAuditor"), "user_notification_preferences.event_key": words("policy.bound claim.opened payment.failed"),
	"user_notification_preferences.channel": words("email in_app email"), "program_fees.fee_code": words("POLICY INSPECT BROKER FILING"), "program_fees.fee_name": phrases("Policy fee\nInspection fee\nBroker fee\nFiling fee"),
	"billing_plans.plan_code": words("FULL 2PAY 4PAY 10PAY"), "billing_plans.name": phrases("Paid in full\nTwo payments\nQuarterly\nTen payments"), "gl_dimensions.dimension_key": words("program carrier state producer coverage"), "gl_dimensions.value_source": words("program carrier state producer coverage"), "gl_dimensions.name": words("Program Carrier State Producer Coverage"),
	"gl_account_groups.group_code": words("1XXX 2XXX 3XXX 4XXX 5XXX"), "gl_account_groups.name": phrases("Assets\nLiabilities\nEquity\nRevenue\nExpenses"), "gl_account_groups.account_type": words("asset liability equity revenue expense"), "gl_cost_centers.name": words("Underwriting Claims Accounting Operations Technology"), "gl_cost_centers.department": words("Underwriting Claims Accounting Operations Technology"),
	"bank_accounts.account_name": accountNames, "bank_accounts.account_type": words("premium_trust operating claims commission"),
	"gl_posting_rules.event_code": words("invoice.issued payment.cleared refund.issued claim.paid commission.earned cession.booked"), "gl_posting_rules.description": phrases("Invoice issued\nPayment cleared\nRefund issued\nClaim payment issued\nCommission earned\nPremium ceded"),
	"carrier_ratings.agency": words("am_best demotech sp"), "org_contacts.contact_type": words("primary billing claims compliance technical"), "org_addresses.address_type": words("mailing physical"),
	"program_authorities.authority_type": words("quote bind issue endorse cancel settle_claims"), "rule_sets.stage": words("intake quote bind"), "rule_sets.rule_set_code": words("INTAKE QUOTE BIND"), "rule_sets.name": phrases("Intake rules\nQuote rules\nBind rules"),
	"rating_tables.name": phrases("Territory factors\nRadius factors\nDriver experience factors\nIncreased limit factors"), "rating_factors.name": phrases("Schedule credit\nSafety technology\nYears in business\nCSA scores\nDriver turnover\nFleet age\nCommodity\nLoss experience"),
	"commission_schedules.name": phrases("Standard auto liability\nPreferred auto liability\nStandard physical damage\nPreferred physical damage\nStandard cargo\nPreferred cargo\nStandard general liability\nPreferred general liability"),
	"cause_of_loss_codes.name":  causes, "policy_forms.title": formTitles, "carriers.legal_name": carriers, "reinsurers.legal_name": reinsurers, "permissions.action": words("read create update delete approve issue"),
	"policy_fees.fee_code": words("POLICY INSPECT"), "policy_fees.fee_name": phrases("Policy fee\nInspection fee"), "invoice_lines.line_type": words("premium tax"), "gl_entries.account_code": words("1100 4000"),
	"program_deductibles.deductible_label": phrases("$1,000\n$2,500\n$5,000\n$10,000"), "program_limits.limit_label": phrases("$750,000 CSL\n$1,000,000 CSL\n$100,000 per vehicle\n$250,000 per load"),
	"rules.expression": phrases("driver.years_experience >= 2\nunits.count <= 50\ncarrier.out_of_service_rate < 0.25\ninsured.years_in_business >= 1\nlosses.frequency <= 0.4\ndriver.major_violations == 0"),
	"rules.message":    phrases("Drivers need two years of CDL experience\nFleets over 50 units go to the carrier\nOut-of-service rate is above 25%\nNew ventures need a referral\nLoss frequency is above guideline\nA major violation in 3 years is not acceptable"),
}

type (
	unit struct {
		make, model, body string
		gvw               int
	}
	place    struct{ city, state, zip, area, county string }
	coverage struct {
		code, name        string
		limit, deductible int64
		share             int64
		part              string
	}
)
