package data

// Download says where a set can be fetched.
type Download struct {
	URL    string
	SHA256 string // of the file, "" if its publisher gives none
	MD5    string
	Size   int64 // bytes
	Notes  string
}
