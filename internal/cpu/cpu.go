// Package cpu says which instructions this processor has, where kernels may
// choose between several.
package cpu
