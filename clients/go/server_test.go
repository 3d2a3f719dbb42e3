package sessiond_test

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
)

const patience = 20 * time.Second

var listening = regexp.MustCompile(`listening on (127\.0\.0\.1:\d+)`)

// A real sessiond on a free port.
type server struct {
	command    *exec.Cmd
	connection *grpc.ClientConn
	// Closed once both output streams have ended.
	drained chan struct{}
	exited  chan error
	log     serverLog
	stopped bool
}

type serverLog struct {
	sync.Mutex
	text strings.Builder
}

func (l *serverLog) add(line string) {
	l.Lock()
	defer l.Unlock()
	l.text.WriteString(line + "\n")
}

func (l *serverLog) String() string {
	l.Lock()
	defer l.Unlock()
	return l.text.String()
}

func startServer(t *testing.T, databasePath string) *server {
	t.Helper()
	program := os.Getenv("SESSIOND")
	if program == "" {
		t.Fatal("SESSIOND does not name the server's binary")
	}
	s := &server{
		command: exec.Command(program, "--listen", "127.0.0.1:0", "--database-path", databasePath),
		drained: make(chan struct{}),
		exited:  make(chan error, 1),
	}
	output, input := io.Pipe()
	s.command.Stdout = input
	s.command.Stderr = input
	if err := s.command.Start(); err != nil {
		t.Fatal(err)
	}
	address := make(chan string, 1)
	go func() {
		defer close(s.drained)
		lines := bufio.NewScanner(output)
		for lines.Scan() {
			s.log.add(lines.Text())
			if match := listening.FindStringSubmatch(lines.Text()); match != nil {
				select {
				case address <- match[1]:
				default:
				}
			}
		}
	}()
	go func() {
		s.exited <- s.command.Wait()
		input.Close()
	}()
	t.Cleanup(func() {
		if !s.stopped {
			s.stop(t)
		}
		if t.Failed() {
			t.Logf("the server's log:\n%s", s.log.String())
		}
	})

	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	select {
	case <-ctx.Done():
		t.Fatalf("the server does not listen:\n%s", s.log.String())
	case err := <-s.exited:
		s.exited <- err
		t.Fatalf("the server ended at once: %v", err)
	case target := <-address:
		// Debian 12's grpc-go is older than the package credentials/insecure.
		connection, err := grpc.DialContext(ctx, target, grpc.WithInsecure(), grpc.WithBlock())
		if err != nil {
			t.Fatal(err)
		}
		s.connection = connection
	}
	return s
}

func (s *server) stop(t *testing.T) {
	t.Helper()
	s.stopped = true
	_ = s.command.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-s.exited:
		if err != nil {
			t.Errorf("the server ended with %v", err)
		}
	case <-time.After(patience):
		t.Error("the server does not stop")
		_ = s.command.Process.Kill()
	}
	<-s.drained
	if s.connection != nil {
		s.connection.Close()
	}
}
