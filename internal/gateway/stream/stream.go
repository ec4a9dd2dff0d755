// Package stream holds the byte buffers between two sockets. A relay looks at
// the bytes in the reader's buffer where they lie, and appends what passes to
// the writer's; neither allocates in the steady state.
//
// Invariant: a buffer grows only to hold one item that the caller asked for as
// a whole, and shrinks again when that item is gone.
package stream

import (
	"errors"
	"io"
)

const (
	size      = 8 << 10
	flushSize = 32 << 10
	keepSize  = 64 << 10
)

// ErrTooLarge is returned when an item is larger than the limit.
var ErrTooLarge = errors.New("message exceeds the size limit")

// Reader is a buffered reader whose buffer is open to its user.
type Reader struct {
	src  io.Reader
	buf  []byte
	r, w int
	// BeforeRead, when set, runs before every read that may block: the place
	// to flush what waits for the other side.
	BeforeRead func() error
}

// NewReader returns a reader of src.
func NewReader(src io.Reader) *Reader { return &Reader{src: src} }

// SetSource changes the source, for a change to TLS. The buffer must be empty.
func (r *Reader) SetSource(src io.Reader) { r.src = src }

// Bytes returns what is buffered, valid until the next Need or Fill.
func (r *Reader) Bytes() []byte { return r.buf[r.r:r.w] }

// Buffered returns how much is buffered.
func (r *Reader) Buffered() int { return r.w - r.r }

// Advance drops n buffered bytes.
func (r *Reader) Advance(n int) {
	r.r += n
	if r.r == r.w {
		r.r, r.w = 0, 0
	}
}

// Need reads until n bytes are buffered.
func (r *Reader) Need(n int) error {
	for r.w-r.r < n {
		if err := r.fill(n); err != nil {
			return err
		}
	}
	return nil
}

// Fill reads once.
func (r *Reader) Fill() error { return r.fill(r.w - r.r + 1) }

func (r *Reader) fill(want int) error {
	if r.r == r.w && cap(r.buf) > keepSize && want <= size {
		r.buf = nil
	}
	if r.r > 0 && r.r+want > len(r.buf) {
		copy(r.buf, r.buf[r.r:r.w])
		r.w -= r.r
		r.r = 0
	}
	if want > len(r.buf) {
		// Grow with what arrives, not with what a length field claims.
		grown := make([]byte, max(size, min(want, 2*len(r.buf))))
		r.w = copy(grown, r.buf[r.r:r.w])
		r.r = 0
		r.buf = grown
	}
	if r.BeforeRead != nil {
		if err := r.BeforeRead(); err != nil {
			return err
		}
	}
	n, err := r.src.Read(r.buf[r.w:])
	r.w += n
	if n > 0 {
		return nil
	}
	if err == io.EOF && r.w > r.r {
		return io.ErrUnexpectedEOF
	}
	if err == nil {
		return io.ErrNoProgress
	}
	return err
}

// Writer gathers what goes to one socket.
type Writer struct {
	dst io.Writer
	buf []byte
}

// NewWriter returns a writer to dst.
func NewWriter(dst io.Writer) *Writer { return &Writer{dst: dst} }

// SetDestination changes the destination, for a change to TLS.
func (w *Writer) SetDestination(dst io.Writer) { w.dst = dst }

// Buffer returns the gathered bytes; hand the appended slice to SetBuffer.
func (w *Writer) Buffer() []byte { return w.buf }

// SetBuffer stores a slice that was appended to.
func (w *Writer) SetBuffer(b []byte) { w.buf = b }

// Len returns how much is gathered.
func (w *Writer) Len() int { return len(w.buf) }

// Append gathers p, writing when enough has gathered.
func (w *Writer) Append(p []byte) error {
	w.buf = append(w.buf, p...)
	if len(w.buf) >= flushSize {
		return w.Flush()
	}
	return nil
}

// Flush writes what has gathered.
func (w *Writer) Flush() error {
	if len(w.buf) == 0 {
		return nil
	}
	_, err := w.dst.Write(w.buf)
	w.buf = w.buf[:0]
	if cap(w.buf) > keepSize {
		w.buf = nil
	}
	return err
}

// Copy moves n bytes from r to w without holding them together.
func Copy(w *Writer, r *Reader, n int) error {
	for n > 0 {
		if r.Buffered() == 0 {
			if err := r.Fill(); err != nil {
				return err
			}
		}
		chunk := min(n, r.Buffered())
		if err := w.Append(r.Bytes()[:chunk]); err != nil {
			return err
		}
		r.Advance(chunk)
		n -= chunk
	}
	return nil
}

// Discard drops n bytes of r.
func Discard(r *Reader, n int) error {
	for n > 0 {
		if r.Buffered() == 0 {
			if err := r.Fill(); err != nil {
				return err
			}
		}
		chunk := min(n, r.Buffered())
		r.Advance(chunk)
		n -= chunk
	}
	return nil
}
