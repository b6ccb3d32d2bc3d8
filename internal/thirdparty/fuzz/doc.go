// Package fuzz has fuzz targets that compare this library with another implementation
// of the protocol, gorilla/websocket: each must read what the other writes.
package fuzz
