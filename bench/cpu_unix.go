//go:build unix

package bench

import (
	"syscall"
	"time"
)

// cpuTime is the time that the process has computed, on all its threads.
func cpuTime() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		panic(err) // only a bad argument makes it fail
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
