package main

import (
	"context"
	"fmt"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/output"
)

const memoryColumns = "%10s %6s %9s %9s %9s  %s\n"

func printMemory(ctx context.Context, in *inquiry, sample int) error {
	if sample == 0 {
		sample = -1
	}
	uses, complete, err := in.client.Memory(ctx, in.query.Where, sample)
	if err != nil {
		return err
	}
	in.complete = complete
	total, estimated := int64(0), 0
	for _, u := range uses {
		total += u.Bytes
		if u.Sampled < u.Keys {
			estimated++
		}
	}
	if in.format == "text" && len(uses) > 0 {
		fmt.Fprintf(in.stdout, memoryColumns, "MEMORY", "SHARE", "OBJECTS", "EACH", "BASES", "NAME")
	}
	for _, u := range uses {
		in.rows++
		if err := in.row(memoryLine(u, total), memoryFields(u)...); err != nil {
			return err
		}
	}
	if anyCore(complete) && !in.quiet {
		about := "all objects were weighed"
		if estimated > 0 {
			about = fmt.Sprintf("%d of %d lines are estimated (~) from %d objects a server", estimated, len(uses), sample)
		}
		fmt.Fprintf(in.stderr, "%s in all; %s\n", redisSize(total), about)
	}
	return nil
}

func memoryLine(u sysops.MemoryUse, total int64) []byte {
	about := ""
	if u.Sampled < u.Keys {
		about = "~"
	}
	objects, each, bases := "-", "-", "-"
	if u.ObjectBytes > 0 {
		objects, each = fmt.Sprint(u.Keys), about+redisSize(u.ObjectBytes/int64(u.Keys))
	}
	if u.Bases > 0 {
		bases = redisSize(u.BaseBytes)
	}
	share := fmt.Sprintf("%.1f%%", 100*float64(u.Bytes)/float64(max(total, 1)))
	return fmt.Appendf(nil, memoryColumns, about+redisSize(u.Bytes), share, objects, each, bases, output.OneLine(u.Name))
}

func memoryFields(u sysops.MemoryUse) []output.Field {
	return output.Fields(
		"name", u.Name,
		"bytes", u.Bytes,
		"keys", u.Keys,
		"sampled", u.Sampled,
		"object_bytes", u.ObjectBytes,
		"bases", u.Bases,
		"base_bytes", u.BaseBytes,
		"index_bytes", u.IndexBytes,
	)
}

// redisSize writes bytes as Redis' INFO does: 1.05M, a M being 1024 K.
func redisSize(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%dB", n)
	}
	f, unit := float64(n), 0
	for f >= 1024 && unit < 4 {
		f /= 1024
		unit++
	}
	return fmt.Sprintf("%.2f%c", f, "BKMGT"[unit])
}
