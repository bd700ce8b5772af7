package hostset_test

import (
	"fmt"
	"log"

	"github.com/sysops-api/sysops-api/hostset"
)

// A list of hosts, short enough to read and to type.
func ExampleFold() {
	fmt.Println(hostset.Fold([]string{
		"web010.example.com", "web008.example.com", "web009.example.com", "db1.example.com",
	}))
	// Output: db1.example.com,web008..010.example.com
}

func ExampleParse() {
	hosts, err := hostset.Parse("web{008..012}.example.com - /11/")
	if err != nil {
		log.Fatal(err)
	}
	for _, h := range hosts.Names() {
		fmt.Println(h)
	}
	// Output:
	// web008.example.com
	// web009.example.com
	// web010.example.com
	// web012.example.com
}
