// Package guard gives tests memory whose neighbours can't be touched, so that a
// kernel that reads or writes outside of its slice crashes the test.
package guard
