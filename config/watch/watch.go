// Package watch reads files that people edit, and tells when one of them has become
// another.
//
// What counts is what is in a file: writing the same again, or touching it, is no
// change. The file system's events tell at once when there may be something new;
// where there are none (NFS, no inotify instance left, a link in the middle of the
// path that points elsewhere), looking every few seconds does. A file is read when
// it has been left alone for a moment, since editors write in several steps. One
// that is away is given a longer moment, since some of them delete it first.
//
// What is watched are the directories of the files: most editors write a new file
// and rename it over the old one, and so do configuration managers; Kubernetes
// renames a link beside them.
//
// The package keeps no goroutine but the caller's and the one of package fsnotify.
package watch

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Options say how files are watched. Zero values mean the defaults.
type Options struct {
	Settle time.Duration // how long a file was left alone before it is read; default 200 ms
	Absent time.Duration // the same for one that is away; default 800 ms
	Poll   time.Duration // how often is looked without an event; default 2 s
	Quiet  bool          // do not use the file system's events
	Logger *slog.Logger
}

// burst is how long is waited after an event: others follow. It bounds the work in a
// directory where much is written.
const burst = 50 * time.Millisecond

// Watch calls changed whenever one of the files is no longer as known says it was
// read, until ctx ends. known is asked again at every look, and must be current when
// changed returns: also changed may have read other files than those before. Files
// that changed does not make known are not told of again until they change again.
func Watch(ctx context.Context, o Options, known func() []File, changed func()) {
	w := &watcher{
		settle: cmp.Or(o.Settle, 200*time.Millisecond), absent: cmp.Or(o.Absent, 800*time.Millisecond),
		known: known, changed: changed, stamps: map[string]stamp{},
	}
	if !o.Quiet {
		w.listen(o.Logger)
		defer w.deafen()
	}
	w.run(ctx, cmp.Or(o.Poll, 2*time.Second))
}

type watcher struct {
	settle, absent time.Duration
	known          func() []File
	changed        func()
	notify         *fsnotify.Watcher // nil: there are no events
	stamps         map[string]stamp  // of the last look, by path
	due            time.Time         // when what has changed is read; zero: nothing has
}

// listen opens the source of events.
func (w *watcher) listen(log *slog.Logger) {
	var err error
	if w.notify, err = fsnotify.NewWatcher(); err != nil {
		log.Warn("no events of the file system, looking at the configuration every few seconds only", "error", err)
		w.notify = nil
	}
}

func (w *watcher) deafen() {
	if w.notify != nil {
		_ = w.notify.Close() // it never fails
	}
}

// run looks at the files when it is time to, until ctx ends.
func (w *watcher) run(ctx context.Context, every time.Duration) {
	var events chan fsnotify.Event
	var faults chan error
	if w.notify != nil {
		events, faults = w.notify.Events, w.notify.Errors
	}
	poll := time.NewTicker(every)
	defer poll.Stop()
	next := time.NewTimer(0)
	defer next.Stop()
	waiting := true // for next
	again := func(after time.Duration) { next.Reset(after); waiting = true }
	for {
		select {
		case <-ctx.Done():
			return
		case <-events:
			if !waiting {
				again(burst)
			}
			continue
		case <-faults: // events were lost
		case <-poll.C:
		case <-next.C:
			waiting = false
		}
		if after := w.look(time.Now()); after > 0 {
			again(after)
		}
	}
}

// look finds out what has changed, and tells when that has settled. It returns after
// what time to look again; 0: when something happens.
func (w *watcher) look(now time.Time) time.Duration {
	files := w.known()
	w.follow(files)
	w.take(files, now)
	if w.due.IsZero() {
		return 0
	}
	if wait := w.due.Sub(now); wait > 0 {
		return min(wait, burst)
	}
	w.due = time.Time{}
	if slices.ContainsFunc(files, func(f File) bool { return f.now() != f }) {
		w.changed()
		return burst // there may be new files
	}
	return 0
}

// take notes the stamps of the files, and when to read what has changed.
func (w *watcher) take(files []File, now time.Time) {
	current := make(map[string]stamp, len(files))
	for _, f := range files {
		s := stampOf(f.Path)
		current[f.Path] = s
		if before, ok := w.stamps[f.Path]; ok && s == before {
			continue
		}
		w.due = now.Add(w.settle)
		if s.missing {
			w.due = now.Add(w.absent)
		}
	}
	w.stamps = current
}

// follow sees to it that events come for the directories of the files, as they are
// named and where links lead, and for no others. Where a directory cannot be watched,
// looking at the files does.
func (w *watcher) follow(files []File) {
	if w.notify == nil {
		return
	}
	want := map[string]bool{}
	for _, f := range files {
		want[filepath.Dir(f.Path)] = true
		if real, err := filepath.EvalSymlinks(f.Path); err == nil {
			want[filepath.Dir(real)] = true
		}
	}
	for _, dir := range w.notify.WatchList() {
		if !want[dir] {
			_ = w.notify.Remove(dir)
		}
		delete(want, dir)
	}
	for dir := range maps.Keys(want) {
		_ = w.notify.Add(dir)
	}
}
