// Package wholetest holds the tests of the API as a whole: real Redis servers, hosts that
// push to them, and questions, with faults in between. They know the API alone, so that
// what lies below it may move. What one package promises by itself is tested beside it.
package wholetest
