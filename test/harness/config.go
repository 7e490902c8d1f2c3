package harness

import (
	"bytes"
	"fmt"
	"maps"
	"os"

	"github.com/BurntSushi/toml"
)

// Config is a configuration file: sections of keys.
type Config map[string]map[string]any

// SiteConfig listens on the given sockets and hands released mail to next
// (host:port) by SMTP; everything else stays at its default.
func SiteConfig(listen []string, next string) Config {
	return Config{
		"milter": {"listen": listen, "socket_group": "postfix"},
		"submit": {"to": "smtp:" + next, "timeout": "30s"},
	}
}

// With returns the configuration with other keys laid over it.
func (c Config) With(over Config) Config {
	out := Config{}
	for name, section := range c {
		out[name] = maps.Clone(section)
	}
	for name, section := range over {
		if out[name] == nil {
			out[name] = map[string]any{}
		}
		maps.Copy(out[name], section)
	}
	return out
}

// Write writes the file.
func (c Config) Write(path string) error {
	var b bytes.Buffer
	if err := toml.NewEncoder(&b).Encode(c); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	return nil
}
