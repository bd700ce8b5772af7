"""Renders a Salt state as Salt does (Jinja with its extensions, then YAML) and prints it
as JSON. Salt itself is in no release of Debian that the tests run on."""

import json
import sys

import jinja2
import yaml

state, pillar = sys.argv[1], json.load(open(sys.argv[2]))
environment = jinja2.Environment(
    extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"], undefined=jinja2.StrictUndefined
)
environment.filters["json"] = json.dumps
text = environment.from_string(open(state).read()).render(
    salt={"pillar.get": lambda key, default=None: pillar.get(key, default)}
)
json.dump(yaml.safe_load(text), sys.stdout)
