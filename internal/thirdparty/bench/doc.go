// Package bench measures this library beside others, each driven by its own fastest
// idiom. The benchmarks are its tests; what it exports is what they print, and what
// we want of that, for the program that makes docs/benchmarks.md of it:
//
//	go run ./bench/report
package bench
