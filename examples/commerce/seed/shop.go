package main

import (
	"fmt"
	"strings"
	"time"
)

// asOf is the shop's today. It is fixed, so that a seed means the same data on every day.
var asOf = time.Date(2026, time.June, 30, 12, 0, 0, 0, time.UTC)

const historyHours = 3 * 365 * 24

type column struct {
	name string
	make func(i int) any
}

// table makes any of its rows from the row's number alone.
type table struct {
	name, prefix string
	rows         int
	hash         uint64
	columns      []column
}

type shop struct {
	seed   uint64
	tables []*table
	byName map[string]*table
}

var (
	things     = strings.Fields("Backpack Jacket Tent Lantern Bottle Boots Stove Hammock Headlamp Blanket Mug Rope Poles Gloves Socks Cooler")
	qualities  = strings.Fields("Trail Summit Alpine River Canyon Harbor Meadow Ridge Forest Glacier Ember Drift")
	colors     = strings.Fields("moss slate sand ember navy graphite")
	brands     = strings.Fields("Northfell Tarnway Outbound Kestrel Ridgeline Fjordly Basecamp Larkspur Cairn Driftwood")
	categories = strings.Fields("packs shelter clothing footwear cooking lighting hydration climbing travel winter")
	firstNames = strings.Fields("Emma Liam Olivia Noah Ava Lucas Mia Ethan Sofia Mateo Chloe Hugo Nora Felix Ines Jonas Maya Oscar Leila Finn")
	lastNames  = strings.Fields("Miller Rossi Schmidt Garcia Novak Dubois Jensen Silva Kowalski Murphy Tanaka Ivanova Haas Costa Berg Moreau")
	cities     = []struct{ city, region, zip, country string }{{"Portland", "OR", "97205", "US"}, {"Austin", "TX", "78701", "US"}, {"Boston", "MA", "02116", "US"}, {"Toronto", "ON", "M5V 2T6", "CA"}, {"Berlin", "BE", "10115", "DE"}, {"Lyon", "ARA", "69002", "FR"}, {"Leeds", "ENG", "LS1 4AP", "GB"}, {"Denver", "CO", "80202", "US"}}
	reviews    = []string{"Exactly as described, arrived quickly.", "Solid quality for the price.", "Runs a little small, otherwise great.", "Used it for a week in the rain and stayed dry.", "The zipper feels cheap.", "Would buy again."}
)

func mix(h uint64) uint64 {
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

func hashText(text string) (h uint64) {
	for i := range len(text) {
		h = mix(h ^ uint64(text[i]) + 0x9e3779b97f4a7c15)
	}
	return h
}

func pick[T any](from []T, h uint64) T { return from[h%uint64(len(from))] }

// add puts a table with the columns that all records have.
func (s *shop) add(name, prefix string, rows int, columns ...column) {
	t := &table{name: name, prefix: prefix, rows: max(1, rows), hash: hashText(name)}
	s.byName[name] = t
	own := []column{{"uid", func(i int) any { return s.uid(name, i) }}}
	own = append(own, columns...)
	own = append(own, []column{
		{"status", func(i int) any {
			return `{"phase": "` + pick([]string{"ready", "ready", "draft"}, s.hash(name, i, 90)) + `"}`
		}},
		{"labels", func(i int) any {
			return fmt.Sprintf(`{"season": %q, "channel": %q}`, pick([]string{"spring", "summer", "autumn", "winter"}, s.hash(name, i, 91)), pick([]string{"web", "store", "partner"}, s.hash(name, i, 92)))
		}},
		{"annotations", func(i int) any { return fmt.Sprintf(`{"source": "import", "batch": %d}`, i/1000+1) }},
		{"create_ts", func(i int) any { return s.when(name, i) }},
		{"update_ts", func(i int) any { return s.when(name, i).Add(time.Duration(s.hash(name, i, 93)%72) * time.Hour) }},
	}...)
	t.columns = own
	s.tables = append(s.tables, t)
}

func (s *shop) hash(name string, i int, salt uint64) uint64 {
	return mix(s.seed ^ s.byName[name].hash ^ mix(uint64(i)+0x9e3779b97f4a7c15) ^ mix(salt))
}

const base32 = "0123456789abcdefghjkmnpqrstvwxyz"

// uid grows with the row's number, so that filling a table appends to its key.
func (s *shop) uid(name string, i int) string {
	t := s.byName[name]
	text := []byte(t.prefix + "_")
	for shift := 25; shift >= 0; shift -= 5 {
		text = append(text, base32[i>>shift&31])
	}
	for h := range 10 {
		text = append(text, base32[s.hash(name, i, 94)>>(5*h)&31])
	}
	return string(text)
}

// when is the time of a row: rows are in the order of their times.
func (s *shop) when(name string, i int) time.Time {
	seconds := int64(historyHours*3600) * int64(i+1) / int64(s.byName[name].rows+1)
	return asOf.Add(time.Duration(seconds-historyHours*3600) * time.Second)
}

// of is the number of the row that a row of another table belongs to: rows
// belong to the rows of the same time.
func (s *shop) of(parent, child string, i int) int {
	return i * s.byName[parent].rows / s.byName[child].rows
}

func (s *shop) ref(name, parent, child string) column {
	return column{name, func(i int) any { return s.uid(parent, s.of(parent, child, i)) }}
}

func (s *shop) any(name, parent, child string) column {
	return column{name, func(i int) any {
		return s.uid(parent, int(s.hash(child, i, hashText(name))%uint64(s.byName[parent].rows)))
	}}
}

// first is the first row of a child that belongs to the parent's row.
func (s *shop) first(parent, child string, i int) int {
	c, p := s.byName[child].rows, s.byName[parent].rows
	return (i*c + p - 1) / p
}

func text(name, value string) column { return column{name, func(int) any { return value }} }

func oneOf(name string, s *shop, table string, from ...string) column {
	return column{name, func(i int) any { return pick(from, s.hash(table, i, hashText(name))) }}
}

func number(name string, s *shop, table string, from, spread int) column {
	return column{name, func(i int) any { return from + int(s.hash(table, i, hashText(name))%uint64(spread)) }}
}

func (s *shop) productName(i int) string {
	h := s.hash("product", i, 1)
	return pick(qualities, h) + " " + pick(things, h>>16)
}

func (s *shop) price(product int) int64 {
	return 900 + int64(s.hash("product", product, 2)%280)*100 + 99
}

func (s *shop) personName(customer int) string {
	h := s.hash("customer", customer, 1)
	return pick(firstNames, h) + " " + pick(lastNames, h>>16)
}

// line is what an order line is about and costs.
func (s *shop) line(i int) (product int, quantity, unit int64) {
	h := s.hash("order_line", i, 1)
	product = int(h % uint64(s.byName["product"].rows))
	return product, 1 + int64(h>>40%3), s.price(product)
}

type amounts struct{ subtotal, discount, shipping, tax, total int64 }

// order adds up its lines.
func (s *shop) order(i int) (a amounts) {
	for line := s.first("order_header", "order_line", i); line < s.first("order_header", "order_line", i+1); line++ {
		_, quantity, unit := s.line(line)
		a.subtotal += quantity * unit
		a.tax += quantity * unit * 8 / 100
	}
	if a.subtotal < 7500 {
		a.shipping = 695
	}
	a.total = a.subtotal - a.discount + a.shipping + a.tax
	return a
}
