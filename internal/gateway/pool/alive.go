package pool

import (
	"net"
	"syscall"
)

// Probe tells, without blocking, whether an idle connection still stands: a
// closed one reads as end of file, and bytes nobody asked for (a server's
// farewell) make it unfit too. A peek costs one system call; it is what lets a
// server's restart pass unnoticed.
type Probe struct {
	raw   syscall.RawConn
	alive bool
	check func(fd uintptr) bool
	buf   [1]byte
}

// NewProbe returns a probe of the connection below any TLS.
func NewProbe(conn net.Conn) *Probe {
	p := &Probe{}
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return p
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return p
	}
	p.raw = raw
	// The closure is made once, so that a probe does not allocate.
	p.check = func(fd uintptr) bool {
		_, _, err := syscall.Recvfrom(int(fd), p.buf[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		p.alive = err == syscall.EAGAIN || err == syscall.EWOULDBLOCK || err == syscall.EINTR
		return true
	}
	return p
}

// Alive is not safe for concurrent use.
func (p *Probe) Alive() bool {
	if p.raw == nil {
		return true
	}
	if err := p.raw.Read(p.check); err != nil {
		return false
	}
	return p.alive
}
