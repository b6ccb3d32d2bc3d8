package bench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/bhojpur/api/internal/thirdparty/child"
)

// profile is where the server of BenchmarkEchoCPU writes a profile of the processor.
var profile = flag.String("profile", "", "a file for a profile of the processor time of the server of EchoCPU, with -server")

// onlyServer keeps the other servers from running, which the benchmark's pattern does not.
var onlyServer = flag.String("server", "", "the library whose server is measured by EchoCPU; empty: all")

// asServer is the variable with the name of the library whose server a process is.
const asServer = "BENCH_SERVER"

// echoSize is the length of the messages of BenchmarkEchoCPU.
const echoSize = 125

// serving are the libraries of BenchmarkEchoCPU.
var serving = []library{bhojpur, bhojpurAppend, gorilla, gwsLibrary, gobwas, bareEcho}

// BenchmarkEchoCPU has a server in a process of its own, and measures the processor
// time of that process. An operation is an echo; this process is the clients.
func BenchmarkEchoCPU(b *testing.B) {
	for _, connections := range []int{100, 1000} {
		b.Run(strconv.Itoa(connections), func(b *testing.B) {
			for _, lib := range inTurn(serving) {
				if *onlyServer != "" && lib.name != *onlyServer {
					continue
				}
				serveApart(b, lib, min(connections, 10*many()))
			}
		})
	}
}

// serveApart measures the server of lib in a child process.
func serveApart(b *testing.B, lib library, connections int) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	server, err := child.Start(ctx, []string{asServer + "=" + lib.name})
	if err != nil {
		b.Fatal(err)
	}
	defer server.Stop()
	ask := func(b *testing.B, line string) string {
		b.Helper()
		answer, err := server.Ask(line)
		if err != nil {
			b.Fatal(err)
		}
		return answer
	}
	addr := ask(b, "address")
	frame := clientFrame(opBinary, 0, binary(echoSize))
	var conns []net.Conn
	for range connections {
		conns = append(conns, dial(b, addr, settings{}))
	}
	exchange(b, conns, frame, warmExchanges*connections)
	if *profile != "" {
		ask(b, "profile "+*profile)
	}
	b.Run(lib.name, func(b *testing.B) {
		before := ask(b, "cpu")
		b.ResetTimer()
		exchange(b, conns, frame, b.N)
		b.StopTimer()
		spent := nanoseconds(b, ask(b, "cpu")) - nanoseconds(b, before)
		b.ReportMetric(float64(spent)/float64(b.N), "cpu-ns/op")
		b.ReportMetric(0, "ns/op")
	})
	if *profile != "" {
		ask(b, "end")
	}
	for _, c := range conns {
		c.Close()
	}
}

// warmExchanges is how many messages each connection echoes before it is measured.
const warmExchanges = 10

// exchange sends n frames on all of conns, each after the answer to the one before it.
func exchange(b *testing.B, conns []net.Conn, frame []byte, n int) {
	var all sync.WaitGroup
	var begun atomic.Int64
	for _, c := range conns {
		all.Go(func() {
			answer := make([]byte, len(frame)-len(key))
			for begun.Add(1) <= int64(n) {
				if _, err := c.Write(frame); err != nil {
					b.Error(err)
					return
				}
				if _, err := io.ReadFull(c, answer); err != nil {
					b.Error(err)
					return
				}
				if answer[0] != frame[0] || answer[1] != echoSize {
					b.Errorf("the answer begins with % x", answer[:2])
					return
				}
			}
		})
	}
	all.Wait()
}

func nanoseconds(b *testing.B, text string) int64 {
	b.Helper()
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// serveParent is the server's process. It returns when its input ends.
func serveParent(name string) error {
	for _, lib := range serving {
		if lib.name != name {
			continue
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c, err := lib.accept(w, r, settings{})
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				return
			}
			echoAll(c, echoSize)
			c.close()
		})}
		defer s.Close()
		go s.Serve(l)
		return child.Obey(os.Stdin, os.Stdout, func(line string) (string, error) {
			return answerParent(line, l.Addr().String())
		})
	}
	return fmt.Errorf("no server of %q", name)
}

// answerParent executes a command of the parent.
func answerParent(line, addr string) (string, error) {
	command, file, _ := strings.Cut(line, " ")
	switch command {
	case "address":
		return addr, nil
	case "cpu":
		var used syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
			return "", err
		}
		return strconv.FormatInt(used.Utime.Nano()+used.Stime.Nano(), 10), nil
	case "profile":
		f, err := os.Create(file)
		if err != nil {
			return "", err
		}
		return "ok", pprof.StartCPUProfile(f)
	case "end":
		pprof.StopCPUProfile() // which writes all of it
		return "ok", nil
	}
	return "", errors.New("unknown command " + command)
}
