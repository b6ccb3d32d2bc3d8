// Package stress calls all methods of connections at random, from many goroutines,
// until they end in every way.
package stress
