package main

import "github.com/spf13/cobra"

func newDemo(u *ui) *cobra.Command { return &cobra.Command{Use: "demo"} }
