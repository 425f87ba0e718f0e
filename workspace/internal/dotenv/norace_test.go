//go:build !race

package dotenv

const slowdown = 1
