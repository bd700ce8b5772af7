package rangeexpr_test

import (
	"fmt"

	"github.com/sysops-api/sysops-api/internal/rangeexpr"
)

func ExampleExpand() {
	hosts, err := rangeexpr.Expand("web08..11.example.com, db{1,3}")
	fmt.Println(hosts, err)
	// Output: [db1 db3 web08.example.com web09.example.com web10.example.com web11.example.com] <nil>
}

func ExampleFold() {
	fmt.Println(rangeexpr.Fold([]string{"web10.example.com", "web9.example.com", "web8.example.com", "db1"}))
	// Output: db1,web8..10.example.com
}
