module github.com/bhojpur/api/internal/thirdparty/moved

go 1.26.0
