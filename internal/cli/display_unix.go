//go:build !darwin && !windows

package cli

// hasDisplay reports whether there is a graphical session.
func hasDisplay(lookupEnv func(string) (string, bool)) bool {
	for _, name := range []string{"WAYLAND_DISPLAY", "DISPLAY"} {
		if v, _ := lookupEnv(name); v != "" {
			return true
		}
	}
	return false
}
