package gateway

import (
	"io"
	"testing"

	"github.com/orrerydb/orrery/internal/gateway/mysqlwire"
	"github.com/orrerydb/orrery/internal/gateway/stream"
)

// loop gives the same bytes again and again.
type loop struct {
	bytes []byte
	at    int
}

func (l *loop) Read(p []byte) (int, error) {
	n := copy(p, l.bytes[l.at:])
	l.at = (l.at + n) % len(l.bytes)
	return n, nil
}

func mysqlResult(rows int) []byte {
	var out []byte
	seq := byte(1)
	add := func(p []byte) { out, seq = mysqlwire.AppendPacket(out, seq, p) }
	add([]byte{1})
	add(make([]byte, 40))
	for range rows {
		add([]byte("\x20abcdefghijklmnopqrstuvwxyz012345"))
	}
	add([]byte{mysqlwire.HeaderEOF, 0, 0, 2, 0, 0, 0})
	return out
}

// BenchmarkMySQLRelay is the relay of one result, without sockets.
func BenchmarkMySQLRelay(b *testing.B) {
	for name, rows := range map[string]int{"1 row": 1, "1000 rows": 1000} {
		b.Run(name, func(b *testing.B) {
			result := mysqlResult(rows)
			s := &mysqlSession{w: stream.NewWriter(io.Discard)}
			backend := &mysqlBackend{r: stream.NewReader(&loop{bytes: result}), caps: mysqlwire.ClientDeprecateEOF}
			b.SetBytes(int64(len(result)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.relayResult(backend, false); err != nil {
					b.Fatal(err)
				}
				_ = s.w.Flush()
			}
		})
	}
}

// BenchmarkPostgresRelay is the relay of one answer, without sockets.
func BenchmarkPostgresRelay(b *testing.B) {
	var result []byte
	result = append(result, 'T', 0, 0, 0, 30)
	result = append(result, make([]byte, 26)...)
	for range 10 {
		result = append(result, 'D', 0, 0, 0, 38)
		result = append(result, make([]byte, 34)...)
	}
	result = append(result, "C\x00\x00\x00\x0eSELECT 10\x00Z\x00\x00\x00\x05I"...)
	s := &pgSession{w: stream.NewWriter(io.Discard)}
	backend := &pgBackend{r: stream.NewReader(&loop{bytes: result})}
	b.SetBytes(int64(len(result)))
	b.ReportAllocs()
	for b.Loop() {
		s.expect = append(s.expect, expectation{kind: expectQuery})
		for len(s.expect) > 0 {
			if err := s.relayBulk(backend); err != nil {
				b.Fatal(err)
			}
			if err := s.relayMessage(backend); err != nil {
				b.Fatal(err)
			}
		}
		_ = s.w.Flush()
	}
}
