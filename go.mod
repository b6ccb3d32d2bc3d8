module github.com/bhojpur/api

go 1.26

require (
	github.com/klauspost/compress v1.20.0
	google.golang.org/protobuf v1.33.0
)
