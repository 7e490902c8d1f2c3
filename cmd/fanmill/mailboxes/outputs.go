package mailboxes

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"fanmill/cmd/fanmill/cli"
	"fanmill/store"
	"fanmill/training/corpus"
	"fanmill/training/cull"
)

// target is where messages of a class are to be written; "" is nowhere.
type target struct {
	class store.Class
	path  string
}

// outputs are the new mailboxes of one command.
type outputs []output

type output struct {
	class store.Class
	*corpus.Mbox
}

// create begins the mailboxes before anything is read, so that what stands in
// the way is known at once.
func create(ctx context.Context, inputs []cull.Input, force bool, targets ...target) (all outputs, err error) {
	defer func() {
		if err != nil {
			all.discard()
		}
	}()
	for _, t := range targets {
		if t.path == "" {
			continue
		}
		if err := cull.Rereadable(inputs); err != nil {
			return all, cli.UsageErrorf("%w", err)
		}
		box, err := corpus.CreateMbox(ctx, t.path, force, pathsOf(inputs))
		if err != nil {
			return all, CreateError(err)
		}
		all = append(all, output{t.class, box})
		if len(all) == 2 && all[0].Path() == box.Path() {
			return all, cli.UsageErrorf("%s is named twice", t.path)
		}
	}
	return all, nil
}

// CreateError gives a mailbox that cannot be made its exit code.
func CreateError(err error) error {
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, fs.ErrExist):
		err = cli.Hint(err, "take another name, or replace it with --force")
	}
	return cli.WithCode(cli.ExitCantCreate, err)
}

// discard removes what was not committed.
func (m outputs) discard() {
	for _, box := range m {
		box.Discard()
	}
}

func (m outputs) of(class store.Class) *corpus.Mbox {
	for _, box := range m {
		if box.class == class {
			return box.Mbox
		}
	}
	return nil
}

// Written is a new mailbox, as reports show it.
type Written struct {
	Path     string `json:"path"`
	Messages int    `json:"messages"`
}

// write puts the chosen messages into the mailboxes and these into their places.
func (m outputs) write(ctx context.Context, s *cull.Survey, c cull.Choice, o cull.Options) ([]Written, error) {
	if len(m) == 0 {
		return nil, nil
	}
	if c.Len() == 0 {
		return nil, cli.WithCode(cli.ExitData, errors.New("no message is left, so nothing is written"))
	}
	err := s.Write(ctx, c, o, func(in cull.Input) *corpus.Mbox { return m.of(in.Class) })
	if errors.Is(err, cull.ErrChanged) {
		return nil, cli.WithCode(cli.ExitTempFail, err)
	}
	if err != nil {
		return nil, err
	}
	var list []Written
	for _, box := range m {
		if err := box.Commit(); err != nil {
			return nil, fmt.Errorf("%w%s", CreateError(err), alreadyThere(list))
		}
		list = append(list, Written{box.Path(), box.Len()})
	}
	return list, nil
}

// alreadyThere names the mailbox that was finished before another one failed.
func alreadyThere(list []Written) string {
	if len(list) == 0 {
		return ""
	}
	return fmt.Sprintf(" (%s was written)", list[0].Path)
}
