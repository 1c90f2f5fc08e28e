#!/usr/bin/env bash
# Checks the files in deploy/ with the programs that they are for: promtool, Kubernetes' schemas, systemd. Run it through
# make check-deploy, which sets up promtool.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

promtool check config deploy/prometheus/prometheus.yaml
promtool test rules deploy/prometheus/rules_test.yaml

# The expressions of the dashboard, with Grafana's variables filled in.
expressions=$(python3 - deploy/grafana/pyrokit.json <<'END'
import json, sys
for panel in json.load(open(sys.argv[1]))["panels"]:
    for target in panel.get("targets", []):
        print(target["expr"].replace("$__rate_interval", "5m").replace("\n", " "))
END
)
while read -r expression; do
	promtool --experimental promql format "$expression" >/dev/null || die "deploy/grafana/pyrokit.json: $expression"
done <<<"$expressions"

validator=kubernetes-validate==1.37.0
venv=.tools/$validator
if [ ! -x "$venv/bin/kubernetes-validate" ]; then
	python3 -m venv "$venv"
	"$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$validator"
fi
# kustomization.yaml is no object of Kubernetes.
mapfile -t manifests < <(ls deploy/kubernetes/*.yaml | grep -v kustomization)
"$venv/bin/kubernetes-validate" --strict --quiet "${manifests[@]}"

# The unit as it is for pyroctl@check, with a pyroctl that is there.
command -v systemd-analyze >/dev/null || die "there is no systemd-analyze here to check the unit with"
units=$(mktemp -d)
trap 'rm -rf "$units"' EXIT
sed 's#/usr/local/bin/pyroctl#/bin/true#' deploy/systemd/pyroctl@.service >"$units/pyroctl@check.service"
systemd-analyze verify "$units/pyroctl@check.service"
systemd-analyze security --offline=yes --threshold=20 --no-pager "$units/pyroctl@check.service" >/dev/null ||
	die "the unit is less protected than it was: systemd-analyze security --offline=yes shows it"
