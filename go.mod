module github.com/pyrokit/pyrokit

go 1.26.0
