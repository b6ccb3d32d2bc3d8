// Package bench measures this library beside others, each used with its fastest calls. The
// benchmarks are in its tests. It exports the groups of benchmarks with their goals, and
// the figures that they print, for the program that makes docs/benchmarks.md:
//
//	go run ./bench/report
package bench
