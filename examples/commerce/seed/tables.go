package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

func newShop(o options) *shop {
	s := &shop{seed: mix(o.seed), byName: map[string]*table{}}
	s.addCatalogue(o.products)
	s.addCustomers(max(1, o.orders/2))
	s.addOrders(o.orders)
	s.addContent(o.products, o.orders)
	s.addInsight(o.products)
	return s
}

func slug(text string) string { return strings.ToLower(strings.ReplaceAll(text, " ", "-")) }

func (s *shop) addCatalogue(products int) {
	s.add("brand", "brd", len(brands), column{"name", func(i int) any { return brands[i] }}, column{"slug", func(i int) any { return slug(brands[i]) }},
		column{"website_url", func(i int) any { return "https://" + slug(brands[i]) + ".example.com" }}, oneOf("country", s, "brand", "US", "CA", "DE", "SE"))
	s.add("category", "cat", len(categories), column{"name", func(i int) any { return categories[i] }}, column{"slug", func(i int) any { return categories[i] }},
		column{"parent_uid", func(i int) any {
			if i < 5 {
				return nil
			}
			return s.uid("category", i-5)
		}},
		column{"path", func(i int) any {
			if i < 5 {
				return "/" + categories[i]
			}
			return "/" + categories[i-5] + "/" + categories[i]
		}}, column{"position", func(i int) any { return i + 1 }})
	s.add("product", "prd", products, column{"sku", func(i int) any { return fmt.Sprintf("OUT-%05d", i+1) }}, column{"name", func(i int) any { return s.productName(i) }},
		column{"slug", func(i int) any { return fmt.Sprintf("%s-%d", slug(s.productName(i)), i+1) }},
		column{"description", func(i int) any {
			return s.productName(i) + " in " + pick(colors, s.hash("product", i, 3)) + ", made to be repaired."
		}},
		s.any("brand_uid", "brand", "product"), s.any("category_uid", "category", "product"), column{"price_cents", func(i int) any { return s.price(i) }},
		number("weight_grams", s, "product", 80, 2400), column{"attributes", func(i int) any { return fmt.Sprintf(`{"color": %q}`, pick(colors, s.hash("product", i, 3))) }},
		column{"publish_ts", func(i int) any { return s.when("product", i).Add(time.Hour) }})
	s.add("product_variant", "var", products*2, s.ref("product_uid", "product", "product_variant"), column{"sku", func(i int) any { return fmt.Sprintf("OUT-%05d-%c", i/2+1, 'A'+i%2) }},
		column{"name", func(i int) any { return []string{"Regular", "Large"}[i%2] }}, column{"option_values", func(i int) any { return fmt.Sprintf(`{"size": %q}`, []string{"R", "L"}[i%2]) }},
		column{"price_cents", func(i int) any { return s.price(i/2) + int64(i%2)*500 }}, column{"barcode", func(i int) any { return fmt.Sprintf("59%011d", i+1) }}, column{"position", func(i int) any { return i%2 + 1 }})
	s.add("product_price", "prc", products, s.ref("product_uid", "product", "product_price"), column{"amount_cents", func(i int) any { return s.price(i) }},
		column{"from_ts", func(i int) any { return s.when("product", i) }})
	s.add("warehouse", "whs", len(cities), column{"code", func(i int) any { return strings.ToUpper(cities[i].city[:3]) }}, column{"name", func(i int) any { return cities[i].city + " warehouse" }},
		column{"country", func(i int) any { return cities[i].country }}, column{"city", func(i int) any { return cities[i].city }}, column{"postal_code", func(i int) any { return cities[i].zip }})
	s.add("inventory_level", "inv", products*4, column{"variant_uid", func(i int) any { return s.uid("product_variant", i/2) }}, column{"warehouse_uid", func(i int) any { return s.uid("warehouse", (i/2+i%2*3)%len(cities)) }},
		number("on_hand", s, "inventory_level", 0, 400), number("reserved", s, "inventory_level", 0, 12), number("reorder_point", s, "inventory_level", 10, 30))
}

func (s *shop) addCustomers(customers int) {
	s.add("customer", "cus", customers, column{"email", func(i int) any {
		return fmt.Sprintf("%s%d@example.com", strings.ReplaceAll(slug(s.personName(i)), "-", "."), i+1)
	}}, column{"name", func(i int) any { return s.personName(i) }},
		column{"phone", func(i int) any { return fmt.Sprintf("+1-555-%07d", s.hash("customer", i, 2)%10000000) }}, oneOf("locale", s, "customer", "en-US", "en-GB", "de-DE", "fr-FR"),
		column{"marketing_consent", func(i int) any { return s.hash("customer", i, 3)%3 == 0 }}, column{"lifetime_value_cents", s.lifetime}, column{"last_order_ts", func(i int) any {
			if last := s.first("customer", "order_header", i+1) - 1; last >= s.first("customer", "order_header", i) {
				return s.when("order_header", last)
			}
			return nil
		}})
	s.add("address", "adr", customers*2, s.ref("customer_uid", "customer", "address"), column{"kind", func(i int) any { return []string{"shipping", "billing"}[i%2] }}, column{"name", func(i int) any { return s.personName(i / 2) }},
		column{"line1", func(i int) any {
			h := s.hash("customer", i/2, 4)
			return fmt.Sprintf("%d %s Street", 1+h%240, pick(qualities, h>>20))
		}},
		column{"city", func(i int) any { return s.city(i / 2).city }}, column{"region", func(i int) any { return s.city(i / 2).region }}, column{"postal_code", func(i int) any { return s.city(i / 2).zip }}, column{"country", func(i int) any { return s.city(i / 2).country }}, column{"is_default", func(int) any { return true }})
}

func (s *shop) lifetime(i int) any {
	var sum int64
	for order := s.first("customer", "order_header", i); order < s.first("customer", "order_header", i+1); order++ {
		sum += s.order(order).total
	}
	return sum
}

func (s *shop) city(customer int) struct{ city, region, zip, country string } {
	return pick(cities, s.hash("customer", customer, 5))
}

// state goes by age: what is old has arrived.
func (s *shop) state(order int) string {
	age := asOf.Sub(s.when("order_header", order))
	switch h := s.hash("order_header", order, 6) % 100; {
	case h < 4:
		return "cancelled"
	case age > 10*24*time.Hour:
		return "delivered"
	case age > 3*24*time.Hour:
		return "shipped"
	}
	return "paid"
}

func (s *shop) addOrders(orders int) {
	s.add("promotion", "pro", 8, column{"code", func(i int) any { return fmt.Sprintf("%s%d", strings.ToUpper(qualities[i]), 10+i) }}, column{"name", func(i int) any { return qualities[i] + " days" }}, text("kind", "percent"),
		column{"percent_off", func(i int) any { return float64(10 + i) }}, text("rules", `{"minimum_cents": 5000}`), column{"from_ts", func(i int) any { return s.when("promotion", i) }}, column{"until_ts", func(i int) any { return s.when("promotion", i).AddDate(0, 0, 14) }})
	customer := func(i int) int { return s.of("customer", "order_header", i) }
	cents := func(name string, of func(amounts) int64) column {
		return column{name, func(i int) any { return of(s.order(i)) }}
	}
	s.add("order_header", "ord", orders, column{"number", func(i int) any { return fmt.Sprintf("W%07d", 1000000+i) }}, s.ref("customer_uid", "customer", "order_header"),
		column{"shipping_address_uid", func(i int) any { return s.uid("address", customer(i)*2) }}, column{"billing_address_uid", func(i int) any { return s.uid("address", customer(i)*2+1) }},
		column{"state", func(i int) any { return s.state(i) }}, oneOf("channel", s, "order_header", "web", "web", "app", "store"), cents("subtotal_cents", func(a amounts) int64 { return a.subtotal }), cents("discount_cents", func(a amounts) int64 { return a.discount }),
		cents("shipping_cents", func(a amounts) int64 { return a.shipping }), cents("tax_cents", func(a amounts) int64 { return a.tax }), cents("total_cents", func(a amounts) int64 { return a.total }), column{"place_ts", func(i int) any { return s.when("order_header", i) }})
	line := func(name string, make func(product int, quantity, unit int64) any) column {
		return column{name, func(i int) any { return make(s.line(i)) }}
	}
	s.add("order_line", "oln", orders*5/2, s.ref("order_uid", "order_header", "order_line"), line("product_uid", func(p int, _, _ int64) any { return s.uid("product", p) }), line("variant_uid", func(p int, _, _ int64) any { return s.uid("product_variant", p*2) }),
		column{"position", func(i int) any {
			return i - s.first("order_header", "order_line", s.of("order_header", "order_line", i)) + 1
		}}, line("name", func(p int, _, _ int64) any { return s.productName(p) }), line("quantity", func(_ int, q, _ int64) any { return q }),
		line("unit_price_cents", func(_ int, _, u int64) any { return u }), line("tax_cents", func(_ int, q, u int64) any { return q * u * 8 / 100 }), line("total_cents", func(_ int, q, u int64) any { return q*u + q*u*8/100 }))
	s.add("payment", "pay", orders, s.ref("order_uid", "order_header", "payment"), oneOf("provider", s, "payment", "stripe", "adyen"), column{"provider_ref", func(i int) any { return fmt.Sprintf("pi_%016x", s.hash("payment", i, 7)) }}, oneOf("method", s, "payment", "card", "card", "wallet", "bank_transfer"),
		column{"state", func(i int) any {
			if s.state(i) == "cancelled" {
				return "voided"
			}
			return "captured"
		}}, column{"amount_cents", func(i int) any { return s.order(i).total }}, column{"capture_ts", func(i int) any { return s.when("order_header", i).Add(time.Minute) }})
	s.add("refund", "rfd", orders/25, s.ref("payment_uid", "payment", "refund"), s.ref("order_uid", "order_header", "refund"), column{"amount_cents", func(i int) any { return s.order(s.of("order_header", "refund", i)).total }}, oneOf("reason", s, "refund", "wrong size", "arrived damaged", "changed mind"))
	s.add("shipment", "shp", orders, s.ref("order_uid", "order_header", "shipment"), s.any("warehouse_uid", "warehouse", "shipment"), oneOf("carrier", s, "shipment", "UPS", "DHL", "FedEx"), text("service", "ground"), column{"tracking_number", func(i int) any { return fmt.Sprintf("1Z%014d", s.hash("shipment", i, 8)%100000000000000) }},
		number("weight_grams", s, "shipment", 300, 6000), number("cost_cents", s, "shipment", 420, 1500), column{"ship_ts", func(i int) any { return s.when("shipment", i).AddDate(0, 0, 1) }})
	s.add("shipment_line", "shl", orders*5/2, column{"shipment_uid", func(i int) any { return s.uid("shipment", s.of("order_header", "order_line", i)) }}, column{"order_line_uid", func(i int) any { return s.uid("order_line", i) }}, column{"quantity", func(i int) any { _, q, _ := s.line(i); return q }})
	s.add("cart", "crt", orders/2, s.ref("customer_uid", "customer", "cart"), column{"token", func(i int) any { return fmt.Sprintf("%016x", s.hash("cart", i, 9)) }}, column{"items", func(i int) any {
		p := int(s.hash("cart", i, 10) % uint64(s.byName["product"].rows))
		return fmt.Sprintf(`[{"product_uid": %q, "quantity": 1}]`, s.uid("product", p))
	}}, column{"subtotal_cents", func(i int) any { return s.price(int(s.hash("cart", i, 10) % uint64(s.byName["product"].rows))) }})
	s.add("review", "rev", orders/5, column{"product_uid", func(i int) any {
		product, _, _ := s.line(s.first("order_header", "order_line", s.of("order_header", "review", i)))
		return s.uid("product", product)
	}}, column{"customer_uid", func(i int) any { return s.uid("customer", customer(s.of("order_header", "review", i))) }}, s.ref("order_uid", "order_header", "review"),
		number("rating", s, "review", 3, 3), oneOf("title", s, "review", "Great", "Good value", "As expected", "Could be better"), oneOf("body", s, "review", reviews...), column{"publish_ts", func(i int) any { return s.when("review", i) }})
}

func (s *shop) addContent(products, orders int) {
	s.add("tag", "tag", len(colors), text("key", "color"), column{"value", func(i int) any { return colors[i] }}, text("scope", "product"), column{"color", func(i int) any { return fmt.Sprintf("#%06x", s.hash("tag", i, 1)&0xffffff) }}, column{"description", func(i int) any { return "Products in " + colors[i] }})
	s.add("tag_assignment", "tga", products, column{"tag_uid", func(i int) any { return s.uid("tag", int(s.hash("product", i, 3)%uint64(len(colors)))) }}, s.ref("target_uid", "product", "tag_assignment"), text("assigned_by", "catalogue import"))
	s.add("asset", "ast", products*2, s.ref("owner_uid", "product", "asset"), text("kind", "image"), column{"file_name", func(i int) any { return fmt.Sprintf("%s-%d.webp", slug(s.productName(i/2)), i%2+1) }}, text("mime_type", "image/webp"), number("size_bytes", s, "asset", 40000, 900000),
		column{"checksum", func(i int) any { return fmt.Sprintf("%016x", s.hash("asset", i, 2)) }}, column{"storage_key", func(i int) any { return fmt.Sprintf("products/%06d/%d.webp", i/2+1, i%2+1) }}, text("alt_text", "Product photo"))
	kinds := []string{"email", "document", "label", "page"}
	s.add("template", "tpl", 12, column{"name", func(i int) any { return kinds[i%4] + " " + []string{"standard", "holiday", "compact"}[i/4] }}, column{"kind", func(i int) any { return kinds[i%4] }}, text("body", "Hello {{name}}, your order {{number}} is on its way."), text("parameters", `{"name": "text", "number": "text"}`))
	s.add("document", "doc", orders/2, column{"template_uid", func(int) any { return s.uid("template", 1) }}, s.ref("subject_uid", "order_header", "document"), text("kind", "invoice"), column{"title", func(i int) any { return fmt.Sprintf("Invoice W%07d", 1000000+s.of("order_header", "document", i)) }},
		column{"content", func(i int) any {
			return fmt.Sprintf(`{"total_cents": %d}`, s.order(s.of("order_header", "document", i)).total)
		}}, column{"issue_ts", func(i int) any { return s.when("document", i) }})
}

func (s *shop) addInsight(products int) {
	names := strings.Fields("revenue orders conversion_rate return_rate sessions margin stock_value refunds")
	kinds := strings.Fields("money counter ratio ratio counter money money money")
	units := strings.Fields("USD orders percent percent sessions USD USD USD")
	s.add("metric", "met", len(names), column{"name", func(i int) any { return names[i] }}, column{"unit", func(i int) any { return units[i] }}, column{"kind", func(i int) any { return kinds[i] }}, column{"iceberg_table", func(i int) any { return "measurements." + names[i] }},
		column{"expression", func(i int) any { return "sum(" + names[i] + ")" }}, number("last_value", s, "metric", 100, 90000), column{"last_ts", func(int) any { return asOf }})
	s.add("combo_report", "cbr", 36, column{"name", func(i int) any { return "monthly overview" }}, column{"period_start", func(i int) any { return month(i) }}, column{"period_end", func(i int) any { return month(i+1).AddDate(0, 0, -1) }},
		column{"metric_uids", func(int) any { return []string{s.uid("metric", 0), s.uid("metric", 1)} }}, text("dimensions", `["channel"]`), column{"result", func(i int) any {
			text, _ := json.Marshal(map[string]uint64{"revenue": s.hash("combo_report", i, 1) % 900000, "orders": s.hash("combo_report", i, 2) % 9000})
			return string(text)
		}}, number("row_count", s, "combo_report", 3, 9), column{"compute_ts", func(i int) any { return month(i + 1) }})
	s.add("suggestion", "sug", products, s.ref("subject_uid", "product", "suggestion"), oneOf("kind", s, "suggestion", "cross_sell", "price", "restock", "content"), column{"title", func(i int) any { return "Look at " + s.productName(i) }},
		column{"score", func(i int) any { return float64(s.hash("suggestion", i, 1)%10000) / 10000 }}, column{"payload", func(i int) any {
			return fmt.Sprintf(`{"related": %q}`, s.uid("product", int(s.hash("suggestion", i, 2)%uint64(products))))
		}}, text("model", "ranker-3"))
}

func month(i int) time.Time { return time.Date(2023, time.July+time.Month(i), 1, 0, 0, 0, 0, time.UTC) }
