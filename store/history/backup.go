package history

import (
	"context"
	"path/filepath"

	"fanmill/store/sqlite"
)

// Backup writes the history of a data directory to path, as sqlite.Schema.Backup does.
func Backup(ctx context.Context, dir, path string, force bool) (sqlite.Copied, error) {
	return schema.Backup(ctx, filepath.Join(dir, fileName), path, force, nil)
}

// Restore puts the backup at path in place of the history of a data directory, as
// sqlite.Schema.Restore does; kept is the file that was there before.
func Restore(ctx context.Context, dir, path string, force bool) (got sqlite.Copied, kept string, err error) {
	return schema.Restore(ctx, filepath.Join(dir, fileName), path, force, nil)
}
