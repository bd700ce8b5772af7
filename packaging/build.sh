#!/bin/sh
# Builds the packages into dist/: sh packaging/build.sh 'go run …/nfpm@v2.45.2'
# The same commit, Go and nfpm give the same bytes. VERSION=0.2.0 names another
# version, DIST=FOLDER another folder, ARCHS="amd64" fewer architectures.
set -eu
cd "$(dirname "$0")/.."
nfpm=$1
dist=$(mkdir -p "${DIST:-dist}" && cd "${DIST:-dist}" && pwd)
archs=${ARCHS:-amd64 arm64}
export CGO_ENABLED=0 GOOS=linux TZ=UTC0 LC_ALL=C

# A version that sorts by time until there are tags, and between two of them:
# 0.1.0~git20261122214846.b055c3d comes before 0.1.0.
commit=$(git rev-parse HEAD 2>/dev/null || true)
commit_time= modified=
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH
stamp=$(date -d "@$SOURCE_DATE_EPOCH" +%Y%m%d%H%M%S)
version=${VERSION:-}
if [ -n "$commit" ]; then
	commit_time=$(date -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)
	[ -z "$(git status --porcelain)" ] || modified=true
	snapshot=git$stamp.$(git rev-parse --short=7 HEAD)${modified:+.modified}
	last=$(git describe --tags --abbrev=0 --match 'v[0-9]*' 2>/dev/null || true)
	if [ -z "$version" ] && [ -n "$last" ]; then
		version=${last#v}
		[ -z "$modified" ] && [ "$(git rev-list -n 1 "$last")" = "$commit" ] || version=$version+$snapshot
	fi
else
	snapshot=$stamp
fi
export VERSION="${version:-0.1.0~$snapshot}"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
cli=github.com/sysops-api/sysops-api/internal/cli

# build ARCH FOLDER builds the two commands.
build() {
	GOARCH=$1 go build -trimpath -buildvcs=false -o "$2/" -ldflags "-s -w -X $cli.version=$VERSION \
		-X $cli.commit=$commit -X $cli.commitTime=$commit_time -X $cli.modified=$modified" ./cmd/sysops ./cmd/sysops-agent
}

# licences COMMAND prints what the licences of the modules in it ask to go with it.
licences() {
	printf 'Go %s\n\n' "$(go env GOVERSION)"
	cat "$(go env GOROOT)/LICENSE"
	go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}' "./cmd/$1" | sort -u >"$work/modules"
	while read -r module v dir; do
		printf '\n\n%s %s\n\n' "$module" "$v"
		files=$(find "$dir" -maxdepth 1 -type f \( -iname 'licen[cs]e*' -o -iname 'copying*' -o -iname 'notice*' \) | sort)
		[ -n "$files" ] || { echo "cannot package $1: $module has no licence in $dir" >&2; return 1; }
		cat $files
	done <"$work/modules"
}

# The pages and completions are the commands' own: those of a build for this machine.
here=$(go env GOHOSTARCH)
GOOS=$(go env GOHOSTOS) build "$here" "$work/host"
for command in sysops sysops-agent; do
	share=$work/$command
	mkdir -p "$share/man"
	"$work/host/$command" man "$share/man"
	for shell in bash zsh fish; do
		"$work/host/$command" completion "$shell" >"$share/$shell"
	done
	gzip -9n "$share"/man/*
	licences "$command" >"$share/modules"
	gzip -9n "$share/modules"
	for file in changelog/unreleased/*; do
		cat "$file"
		echo
	done | gzip -9n >"$share/changelog.gz"
	printf '%s (%s) unstable; urgency=medium\n\n  * Built from commit %.12s; see changelog.gz.\n\n -- The sysops-api authors <sysops-api@users.noreply.github.com>  %s\n' \
		"$command" "$VERSION" "${commit:-unknown}" "$(date -R -d "@$SOURCE_DATE_EPOCH")" | gzip -9n >"$share/changelog.Debian.gz"
done

export WORK="$work"
for ARCH in $archs; do
	export ARCH
	build "$ARCH" "$work/bin"
	for command in sysops sysops-agent; do
		for format in deb rpm; do
			$nfpm package --config "packaging/$command.yaml" --packager "$format" --target "$dist"
		done
	done
done
