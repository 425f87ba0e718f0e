// Akos keeps credentials that agents use and never see.
package main

import (
	"os"

	"example.com/akos/internal/cli"
	"example.com/akos/internal/serve"
)

func main() {
	os.Exit(cli.Run(cli.System{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Args: os.Args[1:],
		Open: serve.Open, Serve: serve.Run, LookupEnv: os.LookupEnv, Executable: os.Executable,
	}))
}
