// Bare is the least program that asks a server a question: cobra and one HTTP
// GET. The benchmarks measure akos against it.
package main

import (
	"io"
	"net/http"
	"os"

	"github.com/spf13/cobra"
)

func main() {
	cmd := &cobra.Command{Use: "bare URL TOKEN", Args: cobra.ExactArgs(2), RunE: func(_ *cobra.Command, args []string) error {
		req, err := http.NewRequest(http.MethodGet, args[0], nil)
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+args[1])
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		_, err = io.Copy(os.Stdout, res.Body)
		return err
	}}
	if cmd.Execute() != nil {
		os.Exit(1)
	}
}
