// Package attic has no row.
package attic
