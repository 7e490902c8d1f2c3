package daemon

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// room is how much garbage the daemon lets gather before it collects, in bytes.
const room = 12 << 20

// boundGarbage keeps the garbage of the daemon at about room, whatever the size
// of the model. The usual setting keeps as much garbage as there is data: too
// much beside a model of a million features, and far too little beside a small
// one, where collecting would cost as much time as reading mail.
func boundGarbage(ctx context.Context) {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	last := 0
	for {
		metrics.Read(live)
		percent := garbagePercent(live[0].Value.Uint64())
		if percent > last+last/8 || percent < last-last/8 {
			debug.SetGCPercent(percent)
			last = percent
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(2 * time.Second):
		}
	}
}

// garbagePercent is GOGC for a heap with so many live bytes.
func garbagePercent(live uint64) int {
	return int(min(max(100*room/max(live, 1), 20), 400))
}
