// Package cpu reports the instruction sets of the processor that some kernels need.
package cpu
