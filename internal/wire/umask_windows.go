package wire

// private does nothing: a new file inherits the rights of its directory.
func private() {}
