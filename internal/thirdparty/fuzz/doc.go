// Package fuzz has fuzz targets that hold this library against another
// implementation of the protocol, gorilla/websocket: what one writes the other
// reads.
package fuzz
