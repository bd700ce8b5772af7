package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

// remakes reports whether a key can be made anew from what $of:<host> tells.
func remakes(key string) bool {
	return key == keyHosts || key == keyLive || key == keyNames || strings.HasPrefix(key, keyOn("")) || strings.HasPrefix(key, keyBases(""))
}

// remake makes a key anew that is of another type, in whose place pushes cannot write, or
// that holds what nobody can read.
func (g *pruning) remake(ctx context.Context, key string) error {
	g.done.Repaired++
	switch {
	case key == keyHosts || key == keyLive:
		return g.remakeHosts(ctx, key)
	case key == keyNames:
		if err := g.unlink(ctx, key); err != nil {
			return err
		}
		return g.walk(ctx, "SCAN", "", g.Page, func(keys []string) error { return g.listNames(ctx, namesOfKeys(keys)) })
	case strings.HasPrefix(key, keyOn("")):
		return g.remakeHolders(ctx, strings.TrimPrefix(key, keyOn("")))
	}
	return g.unlink(ctx, key) // who uses a base lists it again
}

// namesOfKeys returns the names that these keys are about, in the index.
func namesOfKeys(keys []string) (names []string) {
	for _, key := range keys {
		for _, of := range []func(string) string{keyOn, keyBases} {
			if name, ok := strings.CutPrefix(key, of("")); ok {
				names = append(names, name)
			}
		}
	}
	return names
}

// remakeHosts makes $hosts or $live anew, of the hosts that have records, with the scores
// that they have. A score that a push writes meanwhile is lost, and restored from $push.
func (g *pruning) remakeHosts(ctx context.Context, key string) error {
	var listed []redis.Z
	err := g.eachRecorded(ctx, func(hosts []string) error {
		scores, err := g.scores(ctx, key, hosts)
		if err != nil {
			return err
		}
		for i, text := range scores {
			if text == nil {
				continue
			}
			if score, err := parseScore([]byte(*text)); err == nil {
				listed = append(listed, redis.Z{Score: score, Member: hosts[i]})
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	pipe := g.db.TxPipeline()
	cmds := []redis.Cmder{pipe.Unlink(ctx, key)}
	for part := range chunks(listed) {
		cmds = append(cmds, pipe.ZAdd(ctx, key, part...))
	}
	if err := g.exec(ctx, pipe); err != nil {
		return err
	}
	return g.wrap(firstError(cmds...))
}

// eachRecorded hands take the hosts that have records, some hundred at a time.
func (g *pruning) eachRecorded(ctx context.Context, take func(hosts []string) error) error {
	seen := 0
	return g.walk(ctx, "SCAN", "", g.Page, func(keys []string) error {
		var hosts []string
		for _, key := range keys {
			if host, ok := strings.CutPrefix(key, keyOf("")); ok {
				hosts = append(hosts, host)
			}
		}
		if seen += len(hosts); seen > maxRoster {
			return fmt.Errorf("cannot repair the index: over %d hosts have records", maxRoster)
		}
		for part := range chunks(hosts) {
			if err := take(part); err != nil {
				return err
			}
		}
		return nil
	})
}

// remakeHolders makes $on:<name> anew, of the hosts that have recorded the name.
func (g *pruning) remakeHolders(ctx context.Context, name string) error {
	var holders []string
	err := g.eachRecorded(ctx, func(hosts []string) error {
		recorded, err := g.yes(ctx, len(hosts), func(q *request, i int) { q.add("HEXISTS", keyOf(hosts[i]), name) })
		if err != nil {
			return err
		}
		for i, yes := range recorded {
			if yes {
				holders = append(holders, hosts[i])
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	pipe := g.db.TxPipeline()
	cmds := []redis.Cmder{pipe.Unlink(ctx, keyOn(name))}
	for part := range chunks(holders) {
		cmds = append(cmds, pipe.SAdd(ctx, keyOn(name), members(part)...))
	}
	if err := g.exec(ctx, pipe); err != nil {
		return err
	}
	return g.wrap(firstError(cmds...))
}
