// Package guard gives tests memory between inaccessible pages, so that a kernel that
// reads or writes outside its slice crashes the test.
package guard
