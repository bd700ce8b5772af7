package directory

import (
	"context"
	"slices"
)

// List returns a directory of one site ("default") with one core
// ("default"), which is the local one, that holds the given servers.
// Repeated URLs are folded.
func List(urls ...string) Service {
	var folded list
	for _, u := range urls {
		if !slices.Contains(folded, u) {
			folded = append(folded, u)
		}
	}
	return folded
}

type list []string

// Written says that whoever calls List wrote the URLs.
func (list) Written() {}

const defaultName = "default"

func (list) Sites(context.Context) ([]string, error) { return []string{defaultName}, nil }

func (list) Cores(_ context.Context, site string) ([]string, error) {
	if site != defaultName {
		return nil, nil
	}
	return []string{defaultName}, nil
}

func (l list) Servers(_ context.Context, core string) ([]string, error) {
	if core != defaultName {
		return nil, nil
	}
	return l, nil
}

func (list) Local(context.Context) (site, core string, err error) {
	return defaultName, defaultName, nil
}
