package mcpserver

import (
	"fmt"
	"strings"
	"testing"
)

// members returns n members of different names.
func members(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf(`"m%d":%d`, i, i)
	}
	return strings.Join(all, ",")
}

func TestOneReading(t *testing.T) {
	for text, want := range map[string]bool{
		`{}`: true,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"vault_list","arguments":{"a":1,"A":2,"a":3}}}`:    true, // looked at elsewhere
		` { "method" : "m" , "params" : { "name" : "n" , "_meta" : { "a" : "name" , "b" : [ { "c" : 1 , "c" : 2 } ] } } }`: true,
		`{"x":"\"id\":1","id":1,"y":"}{","params":{"a":["x","x",{"x":1}],"b":{"x":1},"name":"\\"}}`:                        true,
		`{"result":{"action":"accept","Name":1},"id":"a"}`:                                                                 true,
		`{"id":1,"id":2}`:       false,
		`{"id":1,"ID":2}`:       false,
		`{"x":{"y":[1]},"x":2}`: false,
		`{"params":{"name":"vault_list","name":"vault_remove"}}`:      false,
		`{"params":{"name":"vault_list","NAME":"vault_remove"}}`:      false,
		`{"params":{"name":"vault_list","n\u0061me":"vault_remove"}}`: false,
		`{"params":{"arguments":{},"ARGUMENTS":{"key":"K"}}}`:         false,
		`{"params":{"NAME":"vault_remove"}}`:                          false,
		`{"Method":"tools/call"}`:                                     false,
		`{"method":"x","params":{},"params":{"name":"y"}}`:            false,
		`{"params":{"_meta":{"a":1,"a":2}}}`:                          false,
		`{"params":{"_meta":{"a":{"b":1}},"_meta":{}}}`:               false,
		`{"params":{"taſk":{}}}`:                                      false, // the long s is an s to the decoder
		`{"params":{"a":{"x":1},"name":"n","Name":"m"}}`:              false,
		`{"params":{"a":[{"x":1}],"name":"n","Name":"m"},"id":1}`:     false,
		`{"params":[{"name":1,"name":2}],"id":1}`:                     true,
		`{"params":{` + members(maxMembers) + `}}`:                    true,
		`{"params":{` + members(maxMembers+1) + `}}`:                  false, // each is compared with all before it
		`{"params":{"x":{` + members(maxMembers+1) + `}}}`:            true,
	} {
		if got := oneReading([]byte(text)); got != want {
			t.Errorf("%.200s: %v", text, got)
		}
	}
}
