package rangeexpr

import "testing"

// Clusters for what follows.
var exactClusters = sourceOf{
	"all": "CLUSTER: '%web,%db,mx1'\n",
	"web": `
CLUSTER: $UP
ALL: web1..4
DOWN: [web3, web4]
UP: $ALL - $DOWN
DC: east
TYPE: [http, cache]
ODD: $ALL & /[13]$/
BOTH: $UP,$DOWN
EXCEPT: web1..9 - web{1,2} - $DOWN
DOMAIN: "{$UP}.x"
PORT: $UP{:80,:443}
NEXT: x{$UP}y
OTHER: "%db - db1"
NOTHING: $UP - $UP
MINUS: $ALL -$DOWN
TIGHT: $ALL-$DOWN
SPACE: $ALL - $DOWN , web9
TWICE: [$UP, $UP, web1]
OWN: $NOPE
GONE: "%nosuch"
`,
	"db":             "CLUSTER: [db1, db2]\nDOWN: db2\nDC: east\nTYPE: mysql\nUP: db1\n",
	"web-1.esv4":     "CLUSTER: w1\nkey-a.b: w2\nlower: w3\n1: w4\nK_2: w5\n",
	"nokey":          "UP: n1\n",
	"clusters":       "CLUSTER: web, db\nKEYED: 'web:DOWN, db:DOWN'\nBRACES: '%{web,db}'\n",
	"names":          "CLUSTER: [front, east]\n",
	"with space":     "CLUSTER: s1\na key: s2\n",
	"site:esv4":      "CLUSTER: e1\nUP: e2\n",
	"GROUPS":         "front: '%web'\neast: [web1..2, '@back']\nback: '%db:{CLUSTER,DOWN}'\nnot: 'web1..4 - $front'\n'a group': g1\nweb.x-1: g2\n",
	"cf3.a-mps":      "CLUSTER: core1\n",
	"cf3.b-mps":      "CLUSTER: core2\n",
	"cf3.all-mps":    "CLUSTER: '%cf3.{a,b}q(-mps)'\n",
	"cf3.broken-mps": "CLUSTER: '%cf3.{a,b}-mps'\n",
}

func TestAClusterIsItsKeyClusterOrTheKeyThatIsNamed(t *testing.T) {
	checkMeanings(t, exactClusters, []meaning{
		{"%web", "web1 web2"},
		{"% web", "web1 web2"},
		{"%web:CLUSTER", "web1 web2"},
		{"%web:DOWN", "web3 web4"},
		{"%web:KEYS & /^D/", "DC DOMAIN DOWN"},
		{"%nokey", ""},
		{"%nokey:KEYS", "UP"},
		{"%web-1.esv4", "w1"},
		{"%web-1.esv4:key-a.b", "w2"},
		{"%web-1.esv4:{lower,1,K_2}", "w3 w4 w5"},
		{"%site:esv4", "e1"},
		{"%site:esv4:UP", "e2"},
		{"%q(with space)", "s1"},
		{`%"with space:a key"`, "s2"},

		// It binds tighter than , - & and takes the braces that follow.
		{"%web,a", "web1 web2 a"},
		{"a,%web - web1", "a web2"},
		{"%web -web1", "web2"},
		{"%web - %web:UP", ""},
		{"%web:ALL - %web:DOWN", "web1 web2"},
		{"%web:ALL & %web:DOWN & /3/", "web3"},
		{"%web:{UP,DOWN}", "web1 web2 web3 web4"},
		{"%{web,db}", "web1 web2 db1 db2"},
		{"%{web,db}:{UP,DOWN}", "web1 web2 web3 web4 db1 db2"},
		{"%{web,db}:UP - web1", "web2 db1"},
		{"%{web}{:}{DOWN}", "web3 web4"},
		{"%w{eb}:D{OWN}", "web3 web4"},
		{"%web:{UP,DOWN - DOWN}", "web1 web2"},
		{"%{}web", "web1 web2"},
		{"{%web}.x", "web1.x web2.x"},
		{"a.{%web,b}", "a.web1 a.web2 a.b"},
		{"a{1,2}%web", "a1web1 a1web2 a2web1 a2web2"},
		{"%web{}", "web1 web2"},
		{"a{b}%web{:DOWN}", "abweb3 abweb4"},
		{"a{b}%{web,db}{:UP} - abdb1", "abweb1 abweb2"},
		{"{%web,%db} & /1/", "web1 db1"},

		// In front of parentheses, quotes and functions, and of itself.
		{"%(web,db)", "web1 web2 db1 db2"},
		{"%(web,db - db)", "web1 web2"},
		{"%(web:DOWN)", "web3 web4"},
		{"%(web,db){:UP}", "web1 web2 db1"},
		{"%'web'", "web1 web2"},
		{"%q(web){:UP}", "web1 web2"},
		{"%clusters(db1) & /db/", "db1 db2"},
		{"%%clusters", "web1 web2 db1 db2"},
		{"%%clusters:KEYED", "web3 web4 db2"},
		{"%{%clusters}:DOWN", "web3 web4 db2"},
		{"%(%clusters)", "web1 web2 db1 db2"},
		{"%{%clusters - db}:DOWN", "web3 web4"},
		{"%clusters:BRACES - %db", "web1 web2"},
		{"%%", ""},
		{"%()", ""},

		// A - after a } takes away: quoted, it is of the name.
		{"%cf3.a-mps", "core1"},
		{"%cf3.{a-mps,b-mps}", "core1 core2"},
		{"%cf3.all-mps", "core1 core2"},
		{"%cf3.broken-mps", "NOCLUSTERDEF: cf3.a"},

		{"%nosuch", "NOCLUSTERDEF: nosuch"},
		{"%web:NOPE", "NOCLUSTER: web:NOPE"},
		{"%web:", "NOCLUSTER: web:"},
		{"%WEB", "NOCLUSTERDEF: WEB"},
		{"%{web,nosuch}", "NOCLUSTERDEF: nosuch"},
		{"%web1..2", "NOCLUSTERDEF: web1"},
		{"%web:{UP", "syntax"},
		{"%web :UP", "syntax"},
		{"a%web", "syntax"},
	})
}

func TestAKeyOfTheSameClusterIsNamedWithADollar(t *testing.T) {
	checkMeanings(t, exactClusters, []meaning{
		{"%web:ODD", "web1 web3"},
		{"%web:BOTH", "web1 web2 web3 web4"},
		{"%web:EXCEPT", "web5 web6 web7 web8 web9"},
		{"%web:DOMAIN", "web1.x web2.x"},
		{"%web:PORT", "web1:80 web1:443 web2:80 web2:443"},
		{"%web:NEXT", "xweb1y xweb2y"},
		{"%web:OTHER", "db2"},
		{"%web:NOTHING", ""},
		{"%web:MINUS", "web1 web2"},
		{"%web:TIGHT", "web1 web2"},
		{"%web:SPACE", "web1 web2 web9"},
		{"%web:TWICE", "web1 web2"},
		{"%web:OWN", "NOCLUSTER: web:NOPE"},
		{"%web:GONE", "NOCLUSTERDEF: nosuch"},

		// Outside cluster files, and in GROUPS, it is a group.
		{"$front", "web1 web2"},
		{"$front - $not", "web1 web2"},
		{"{$front}.x", "web1.x web2.x"},
		{"$nosuch", "NOCLUSTER: GROUPS:nosuch"},
		{"a,$", "syntax"},
		{"$front.x", "syntax"},
	})
}

func TestGroupsAreTheKeysOfTheirOwnCluster(t *testing.T) {
	checkMeanings(t, exactClusters, []meaning{
		{"@front", "web1 web2"},
		{"@east", "web1 web2 db1 db2"},
		{"@not", "web3 web4"},
		{"@web.x-1", "g2"},
		{"@'a group'", "g1"},
		{"@{front,back}", "web1 web2 db1 db2"},
		{"@(front,back)", "web1 web2 db1 db2"},
		{"@{fro,no}{nt,t}", "NOCLUSTER: GROUPS:frot"},
		{"@east - @front", "db1 db2"},
		{"@east & /^w/", "web1 web2"},
		{"@%names", "web1 web2 db1 db2"},
		{"@{%names - east}", "web1 web2"},
		{"x.{@front}", "x.web1 x.web2"},
		{"%GROUPS:back", "db1 db2"},
		{"%GROUPS:KEYS & /o/", "a group|front|not|"},
		{"@nosuch", "NOCLUSTER: GROUPS:nosuch"},

		// The other way round.
		{"?web1", "front east"},
		{"?{web1,web3}", "front east not"},
		{"?web1..4 - ?web1", "not"},
		{"?(db1)", "back east"},
		{"?%db", "back east"},
		{"get_groups(web3)", "not"},
		{"@?web3", "web3 web4"},
		{"@get_groups(web3)", "web3 web4"},
		{"?nobody", ""},
		{"?web", ""}, // names are whole
	})
}

func TestFunctionsFindClustersAndKeys(t *testing.T) {
	checkMeanings(t, exactClusters, []meaning{
		{"clusters(web1)", "all web"},
		{"clusters(web1) - all", "web"},
		{"clusters(%db)", "all db"},
		{"clusters(web1,db1) & /b/", "web db"},
		{"clusters( web1 )", "all web"},
		{"clusters(web3)", "NO_CLUSTER: web3"}, // it is in no CLUSTER
		{"*web1", "all"},
		{"*s1", "with space|"},
		{"*{s1,w1}", "web-1.esv4|with space|"},
		{"%*s1", "s1"},
		{"%{*w1}:lower", "w3"},
		{"%*{s1,w1}", "s1 w1"},
		{"*nobody", "NO_CLUSTER: nobody"},

		{"has(DC;east)", "db web"},
		{"has(TYPE;cache)", "web"},
		{"has(TYPE;http,mysql)", "db web"},
		{"has(TYPE;{http,mysql})", "db web"},
		{"has(TYPE;%db:TYPE)", "db"},
		{"has(DOWN;web1..4)", "web"},
		{"has(DC;east) - has(TYPE;mysql)", "web"},
		{"has(DC;(east))", "db web"},
		{"has(DC;east){:DOWN}", "db:DOWN web:DOWN"},
		{"%has(DC;east){:DOWN}", "db2 web3 web4"},
		{"%has(TYPE;mysql)", "db1 db2"},
		{"%{has(DC;east)}:UP", "web1 web2 db1"},
		{"x{has(TYPE;mysql)}", "xdb"},
		{"has(DC;eas)", ""},
		{"has(NOPE;east)", ""},

		{"mem(web;web3) - BOTH", "ALL DOWN ODD"},
		{"mem(db;db2)", "CLUSTER DOWN"},
		{"mem({web,db};db1)", "CLUSTER UP"},
		{"mem(GROUPS;web1)", "front east"},
		{"mem(db;nobody)", ""},
		{"%db:{mem(db;db1)}", "db1 db2"},
		{"mem(nosuch;db1)", "NOCLUSTERDEF: nosuch"},

		{"allclusters() & /^w/", "web|web-1.esv4|with space|"},
		{"%{allclusters() & /^(web|db)$/}:UP", "web1 web2 db1"},
		{"cluster(web)", "web1 web2"},
		{"cluster(web:DOWN,db)", "web3 web4 db1 db2"},
		{"cluster({web,db}:UP)", "web1 web2 db1"},
		{"cluster(cluster(clusters))", "web1 web2 db1 db2"},
		{"group(front,back)", "web1 web2 db1 db2"},
		{"#cluster(web)", "web1 web2"},

		{"nosuch(a)", "NO_FUNCTION: nosuch"},
		{"has(DC)", "syntax"},
		{"has(DC;a;b)", "syntax"},
		{"has(DC,a", "syntax"},
		{"clusters(a;b)", "syntax"},
		{"allclusters(a)", "syntax"},
		{"cluster(web))", "syntax"},
	})
}

func TestAllIsWhatAComplementAndALoneRegexAreAbout(t *testing.T) {
	checkMeanings(t, exactClusters, []meaning{
		{"/^web/", "web1 web2"},
		{"/1$/", "web1 db1 mx1"},
		{"/1$/ & /^w/", "web1"},
		{"/1$/ - web1", "db1 mx1"},
		{"a,/^d/", "a db1 db2"},
		{"(/^web/,/^db/) - /1/", "web2 db2"},
		{"web1,web9 & (/^web/,/^db/)", "web1"},
		{"{/^web/}.x", "web1.x web2.x"},
		{"!web1", "web2 db1 db2 mx1"},
		{"!web1,web1", "web1 web2 db1 db2 mx1"},
		{"!%web", "db1 db2 mx1"},
		{"!{web,db}{1,2}", "mx1"},
		{"!(web1,db1) - mx1", "web2 db2"},
		{"!/^web/", "db1 db2 mx1"},
		{"x{y}!{web,db}1", "xyweb2 xydb2 xymx1"},
		{"!db1,db1 - db1", "web1 web2 db2 mx1"},
		{"!!web1", "web1"},
		{"!", "web1 web2 db1 db2 mx1"},
		{"web1..9 & !%db", "web1 web2"},
		{"web1,db1 - !web1", "web1"},
		{"?!%web", "back east"},
	})
}

func TestFilesAreYAMLWhoseScalarsAreTakenAsTheyAreWritten(t *testing.T) {
	checkMeanings(t, sourceOf{
		"scalars": "---\n# A comment.\nPLAIN: a, b # of the line\nSINGLE: 'a,b'\nDOUBLE: \"a,b\"\nNAME: '\"a,b\"'\n" +
			"NUMBER: 12\nZEROS: 007\nPOINT: 1.50\nHEX: 0x1F\nDATE: 2026-01-02\nYES: yes\non: off\ntrue: TRUE\nNULL: ~\nNONE:\nEMPTY: ''\n3: three\n1.5: half\n" +
			"SLASH: $PLAIN & /a/\nCOLON: web1:80\nIPV6: '::1'\n...\n",
	}, []meaning{
		{"%scalars:PLAIN", "a b"},
		{"%scalars:SINGLE", "a b"},
		{"%scalars:DOUBLE", "a b"},
		{"%scalars:NAME", "a,b"},
		{"%scalars:NUMBER", "12"},
		{"%scalars:ZEROS", "007"},
		{"%scalars:POINT", "1.50"},
		{"%scalars:HEX", "0x1F"},
		{"%scalars:DATE", "2026-01-02"},
		{"%scalars:YES", "yes"},
		{"%scalars:on", "off"},
		{"%scalars:true", "TRUE"},
		{"%scalars:NULL", ""},
		{"%scalars:NONE", ""},
		{"%scalars:EMPTY", ""},
		{"%scalars:3", "three"},
		{"%scalars:1.5", "half"},
		{"%scalars:{3,1.5}", "three half"},
		{"%scalars:SLASH", "a"},
		{"%scalars:COLON", "web1:80"},
		{"%scalars:IPV6", "::1"},
		{"%scalars:KEYS & /^[a-z0-9]/", "on true 3 1.5"},
	})
}

func TestEachItemOfAListIsAnExpression(t *testing.T) {
	checkMeanings(t, sourceOf{
		"lists": "FLOW: [a, b]\nQUOTED: ['a,b', \"c\"]\nMANY: [\n  a,\n  b,\n]\nBLOCK:\n- a\n- b - a\n- c{1..2}\nINDENTED:\n    - a\n    -   b\n" +
			"MIXED: [1, yes, ~, 'x', 'a - a']\nNONE: []\nLITERAL: |\n  a\n  b\nFOLDED: >-\n  a,\n  b\nLONG: a,\n  b\nSHARED: &s [a, b]\nSAME: *s\n",
	}, []meaning{
		{"%lists:FLOW", "a b"},
		{"%lists:QUOTED", "a b c"},
		{"%lists:MANY", "a b"},
		{"%lists:BLOCK", "a b c1 c2"}, // each item is an expression of its own
		{"%lists:INDENTED", "a b"},
		{"%lists:MIXED", "1 x yes"},
		{"%lists:NONE", ""},
		{"%lists:LITERAL", "a b"},
		{"%lists:FOLDED", "a b"},
		{"%lists:LONG", "a b"},
		{"%lists:SAME", "a b"},
	})
}

func TestAFileIsOneMappingOrMalformed(t *testing.T) {
	checkMeanings(t, sourceOf{
		"windows":  "CLUSTER: a1..2\r\nLIST:\r\n- x\r\n- y - z\r\nFLOW: [a,\r\n b]\r\nLITERAL: |\r\n  q\r\n  r\r\n",
		"mark":     "\ufeffCLUSTER: a\n",
		"version":  "%YAML 1.1\n---\nCLUSTER: a\n",
		"flow":     "{CLUSTER: [a, b], K: 'c'}\n",
		"last":     "CLUSTER: a",
		"empty":    "",
		"comment":  "# nothing\n",
		"document": "---\n",
		"mapping":  "CLUSTER: {a: b}\n",
		"list":     "- a\n",
		"twice":    "A: a\nA: b\n",
		"percent":  "CLUSTER: %web\n",
		"at":       "CLUSTER: @web\n",
		"tag":      "CLUSTER: !web\n",
		"wrong":    "CLUSTER: 'a,('\nGOOD: a\n",
		"loop":     "CLUSTER: $A\nA: $B\nB: $A\nC: c\n",
	}, []meaning{
		{"%windows", "a1 a2"},
		{"%windows:LIST", "x y"},
		{"%windows:FLOW", "a b"},
		{"%windows:LITERAL", "q r"},
		{"%windows:KEYS", "CLUSTER FLOW LIST LITERAL"},
		{"%mark", "a"},
		{"%version", "a"},
		{"%flow", "a b"},
		{"%flow:K", "c"},
		{"%last", "a"},
		{"%{empty,comment,document}", ""},
		{"%empty:KEYS", ""},
		{"%mapping", "mapping: malformed"},
		{"%list", "list: malformed"},
		{"%twice:A", "twice: malformed"},
		{"%percent", "percent: malformed"},
		{"%at", "at: malformed"},
		{"%tag", "tag: malformed"},
		{"%wrong", "syntax"},
		{"%wrong:GOOD", "a"},
		{"%loop", "CYCLE: loop:A"},
		{"%loop:C", "c"},
		{"*c1", "NO_CLUSTER: c1"},
		{"has(GOOD;a)", "wrong"},
	})
}
