package daemon

import "testing"

func TestGarbageStaysAboutTheSame(t *testing.T) {
	for live := uint64(4 << 20); live <= 60<<20; live += 1 << 20 {
		garbage := live * uint64(garbagePercent(live)) / 100
		if garbage < room-1<<20 || garbage > 4*(4<<20) {
			t.Errorf("%d MB live: %d kB of garbage", live>>20, garbage>>10)
		}
	}
	if got := garbagePercent(0); got != 400 {
		t.Errorf("nothing live: %d %%", got)
	}
}
