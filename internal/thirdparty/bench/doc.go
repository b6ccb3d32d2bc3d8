// Package bench measures this library beside others, each driven by its own fastest
// idiom. `make bench` runs it and writes docs/benchmarks.md.
package bench
