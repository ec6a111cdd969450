//go:build !unix

package bench

import "time"

var begin = time.Now()

// cpuTime is wall time where the system does not tell more.
func cpuTime() time.Duration { return time.Since(begin) }
