package docker

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

const repository = "../.."

// TestImage builds the image and runs it where an engine answers; else the
// steps of the Dockerfile are carried out in clean directories: the build stage
// for real, C compiler included, then the files, the account, the daemon under
// that account (when root runs the test) and the health check of the image.
func TestImage(t *testing.T) {
	if exec.Command("docker", "info").Run() == nil {
		buildWithEngine(t)
		return
	}
	t.Log("no container engine answers: running the steps as a script")
	rehearse(t)
}

func buildWithEngine(t *testing.T) {
	tag := fmt.Sprintf("fanmill-test:%d", os.Getpid())
	output(t, exec.Command("docker", "build", "--build-arg", "VERSION=test-engine", "-t", tag, repository))
	t.Cleanup(func() { output(t, exec.Command("docker", "rmi", tag)) })
	if got := output(t, exec.Command("docker", "run", "--rm", tag, "version")); !strings.Contains(got, "test-engine") {
		t.Errorf("the image's version says %q, want test-engine in it", got)
	}
}

// image is what the rehearsal knows while it goes through the steps.
type image struct {
	t     *testing.T
	roots map[string]string // by name of the stage; "" is the last one
}

func rehearse(t *testing.T) {
	text, err := os.Open(filepath.Join(repository, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	defer text.Close()
	stages, err := parse(text)
	if err != nil {
		t.Fatalf("read Dockerfile: %v", err)
	}
	if len(stages) != 2 || stages[1].name != "" {
		t.Fatalf("%d stages, want one that builds and a last one without a name", len(stages))
	}
	im := image{t, map[string]string{}}
	dir := searchable(t)
	for n, s := range stages {
		root := filepath.Join(dir, fmt.Sprintf("stage%d", n))
		im.roots[s.name] = root
		must(t, os.MkdirAll(filepath.Join(root, "etc"), 0o755))
		must(t, os.MkdirAll(filepath.Join(root, "out"), 0o755))
		must(t, os.WriteFile(filepath.Join(root, "etc/passwd"), []byte("root:x:0:0:root:/root:/bin/sh\n"), 0o644))
		must(t, os.WriteFile(filepath.Join(root, "etc/group"), []byte("root:x:0:\n"), 0o644))
		im.steps(s, root)
	}
	im.serve(stages[1], im.roots[""])
}

// steps carries out the instructions that change the file system.
func (im image) steps(s stage, root string) {
	dir, env := root, []string{"VERSION=test-rehearsal"}
	for _, st := range s.steps {
		switch st.name {
		case "WORKDIR":
			dir = below(root, st.args)
			must(im.t, os.MkdirAll(dir, 0o755))
		case "ENV":
			env = append(env, st.args)
		case "COPY":
			im.copy(strings.Fields(st.args), root, dir)
		case "RUN":
			cmd := exec.Command("/bin/sh", "-ec", below(root, asUs(st.args)))
			cmd.Dir, cmd.Env = dir, append(buildEnv(im.t), env...)
			output(im.t, cmd)
		}
	}
}

// asUs drops the one thing an ordinary user cannot do: give a directory away.
func asUs(script string) string {
	if os.Getuid() == 0 {
		return script
	}
	return strings.ReplaceAll(script, " -o 8891 -g 8891", "")
}

// buildEnv is a bare environment, with Go's caches as the only thing kept.
func buildEnv(t *testing.T) []string {
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPROXY", "GOFLAGS"} {
		env = append(env, name+"="+strings.TrimSpace(output(t, exec.Command("go", "env", name))))
	}
	return env
}

func (im image) copy(args []string, root, dir string) {
	from, ignored := repository, ignoredFiles(im.t)
	if name, ok := strings.CutPrefix(args[0], "--from="); ok {
		if from = im.roots[name]; from == "" {
			im.t.Fatalf("COPY from stage %q, which does not exist", name)
		}
		args, ignored = args[1:], nil
	}
	sources, target := args[:len(args)-1], args[len(args)-1]
	to := filepath.Join(dir, target)
	if filepath.IsAbs(target) {
		to = below(root, target)
	}
	for _, source := range sources {
		dst := to
		if strings.HasSuffix(target, "/") {
			dst = filepath.Join(to, filepath.Base(source))
		}
		must(im.t, copyTree(filepath.Join(from, source), dst, ignored))
	}
}

// ignoredFiles reads .dockerignore, which names entries of the top directory.
func ignoredFiles(t *testing.T) []string {
	text, err := os.ReadFile(filepath.Join(repository, ".dockerignore"))
	must(t, err)
	return strings.Fields(string(text))
}

func copyTree(from, to string, ignored []string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if slices.Contains(ignored, rel) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		}
		return copyFile(path, filepath.Join(to, rel))
	})
}

func copyFile(from, to string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, data, info.Mode().Perm())
}

// serve starts what the image starts, as the account it names, asks the health
// check until it is content, and stops the daemon as an engine does.
func (im image) serve(s stage, root string) {
	t := im.t
	entry, command, health := execForm(t, s, "ENTRYPOINT"), execForm(t, s, "CMD"), healthCheck(t, s)
	user, _ := s.find("USER")
	as := account(t, root, user)
	program := filepath.Join(root, "usr/local/bin", entry[0])
	env := []string{"PATH=" + filepath.Join(root, "usr/local/bin"), "HOME=/nonexistent"}
	for _, st := range s.steps {
		if st.name == "ENV" {
			env = append(env, below(root, st.args))
		}
	}
	run := func(args ...string) *exec.Cmd {
		for i := range args {
			args[i] = below(root, args[i])
		}
		cmd := exec.Command(program, args...)
		cmd.Dir, cmd.Env, cmd.SysProcAttr = root, env, as
		return cmd
	}
	if got := output(t, run("version")); !strings.Contains(got, "test-rehearsal") {
		t.Errorf("version says %q, want test-rehearsal in it", got)
	}
	if err := run(slices.Clone(health[1:])...).Run(); err == nil {
		t.Error("the health check is content although nothing runs")
	}

	exposed, _ := s.find("EXPOSE")
	port := freePort(t)
	replaceInFile(t, filepath.Join(root, "etc/fanmill/fanmill.toml"), "0.0.0.0:"+exposed, "127.0.0.1:"+port)
	log := &strings.Builder{}
	daemon := run(command...)
	daemon.Stderr = log
	must(t, daemon.Start())
	ended := make(chan error, 1)
	go func() { ended <- daemon.Wait() }()
	defer daemon.Process.Kill()

	for began := time.Now(); run(slices.Clone(health[1:])...).Run() != nil; time.Sleep(50 * time.Millisecond) {
		select {
		case err := <-ended:
			t.Fatalf("the daemon ended: %v\n%s", err, log)
		default:
		}
		if time.Since(began) > time.Minute {
			t.Fatal("not healthy within a minute")
		}
	}
	conn, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Errorf("the exposed port: %v", err)
	} else {
		conn.Close()
	}
	must(t, daemon.Process.Signal(syscall.SIGTERM))
	if err := <-ended; err != nil {
		t.Errorf("stop: %v\n%s", err, log)
	}
}

func execForm(t *testing.T, s stage, name string) []string {
	t.Helper()
	args, ok := s.find(name)
	if !ok {
		t.Fatalf("the last stage has no %s", name)
	}
	w, err := words(args)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return w
}

func healthCheck(t *testing.T, s stage) []string {
	t.Helper()
	args, _ := s.find("HEALTHCHECK")
	_, command, ok := strings.Cut(args, "CMD ")
	if !ok {
		t.Fatal("the last stage has no HEALTHCHECK with a command")
	}
	w, err := words(command)
	if err != nil {
		t.Fatalf("HEALTHCHECK: %v", err)
	}
	return w
}

// account looks the user of the image up in its own passwd file. Root takes its
// identity; an ordinary user stays who they are.
func account(t *testing.T, root, user string) *syscall.SysProcAttr {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "etc/passwd"))
	must(t, err)
	var uid, gid uint32
	for line := range strings.Lines(string(text)) {
		rest, ok := strings.CutPrefix(line, user+":x:")
		if !ok {
			continue
		}
		if _, err := fmt.Sscanf(rest, "%d:%d:", &uid, &gid); err != nil {
			t.Fatalf("account %q of the image: %v", line, err)
		}
	}
	if uid == 0 {
		t.Fatalf("the image runs as %q, which is no unprivileged account of it:\n%s", user, text)
	}
	if os.Getuid() != 0 {
		return nil
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: gid}}
}

// searchable is a temporary directory that other accounts may enter.
func searchable(t *testing.T) string {
	dir := t.TempDir()
	must(t, os.Chmod(dir, 0o755))
	must(t, os.Chmod(filepath.Dir(dir), 0o755))
	return dir
}

func freePort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	must(t, err)
	return port
}

func replaceInFile(t *testing.T, path, old, replacement string) {
	t.Helper()
	text, err := os.ReadFile(path)
	must(t, err)
	if !strings.Contains(string(text), old) {
		t.Fatalf("%s does not contain %q", path, old)
	}
	must(t, os.WriteFile(path, []byte(strings.ReplaceAll(string(text), old, replacement)), 0o644))
}

// output runs cmd and returns what it wrote to standard output.
func output(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w\n%s", err, exit.Stderr)
		}
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	return string(out)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestParse(t *testing.T) {
	stages, err := parse(strings.NewReader("# c\nFROM a AS b\nRUN x && \\\n  # between\n  y\n\nFROM d\ncopy --from=b /e /f\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := "[{a b [{3 RUN x &&  y}]} {d  [{8 COPY --from=b /e /f}]}]"
	if got := fmt.Sprint(stages); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for _, bad := range []string{"RUN x", "FROM a b", "FROM a\nMAGIC x", "FROM a\nRUN x \\"} {
		if _, err := parse(strings.NewReader(bad)); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}

func TestBelow(t *testing.T) {
	for text, want := range map[string]string{
		"/src":                            "/r/src",
		"echo 'a:/b:/c' >>/etc/passwd":    "echo 'a:/b:/c' >>/r/etc/passwd",
		"go build -o /out/f ./cmd/f":      "go build -o /r/out/f ./cmd/f",
		"FANMILL_DATA=/var/lib/fanmill":   "FANMILL_DATA=/r/var/lib/fanmill",
		`install "/var/lib" '/etc' a/b/c`: `install "/r/var/lib" '/r/etc' a/b/c`,
	} {
		if got := below("/r", text); got != want {
			t.Errorf("below(%q) = %q, want %q", text, got, want)
		}
	}
}
