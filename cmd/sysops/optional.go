package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// An optional is the value of a flag of which a verb knows whether it was given, on the
// command line, in the environment or in the config: what it points to is nil otherwise.
type optional[T any] struct {
	to   **T
	kind string // as pflag calls it
	read func(string) (T, error)
}

func (o *optional[T]) Set(text string) error {
	v, err := o.read(text)
	if err == nil {
		*o.to = &v
	}
	return err
}

func (o *optional[T]) String() string {
	if o.to == nil || *o.to == nil {
		return ""
	}
	return fmt.Sprint(**o.to)
}

func (o *optional[T]) Type() string { return o.kind }

func optionalString(cmd *cobra.Command, to **string, name, usage string) *pflag.Flag {
	return cmd.Flags().VarPF(&optional[string]{to, "string", func(s string) (string, error) { return s, nil }}, name, "", usage)
}

func optionalInt(cmd *cobra.Command, to **int, name, usage string) *pflag.Flag {
	return cmd.Flags().VarPF(&optional[int]{to, "int", strconv.Atoi}, name, "", usage)
}

func optionalBool(cmd *cobra.Command, to **bool, name, short, usage string) *pflag.Flag {
	f := cmd.Flags().VarPF(&optional[bool]{to, "bool", strconv.ParseBool}, name, short, usage)
	f.NoOptDefVal = "true"
	return f
}
