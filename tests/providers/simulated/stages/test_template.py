"""Go's templates, as stages use them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudk8s.machinery import yaml_codec
from cloudk8s_simulated.stages.template import Template, TemplateError
from cloudk8s_simulated.stages.template.functions import FUNCTIONS

POD: dict[str, Any] = {
    "metadata": {"name": "web", "annotations": {"a.b/c": "x"}},
    "spec": {"containers": [{"name": "one", "image": "i:1"}, {"name": "two", "image": "i:2"}], "hostNetwork": False},
    "status": {"count": 3, "conditions": []},
}


def rendered(text: str) -> str:
    return Template(text).render(POD, FUNCTIONS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ .metadata.name }}", "web"),
        ("{{ .metadata.name | Quote }}", '"web"'),
        ("{{ . | len }}-{{ len .spec.containers }}", "3-2"),
        ("{{ .nothing.at.all }}", ""),
        ("{{ or .nothing .metadata.name }}", "web"),
        ('{{ or .spec.hostNetwork "no" }}', "no"),
        ("{{ and .metadata.name 7 }} {{ not .nothing }}", "7 true"),
        ('{{ index .metadata.annotations "a.b/c" }}', "x"),
        ("{{ (index .spec.containers 1).image }}", "i:2"),
        ('{{ index .metadata.labels "none" }}{{ index .spec.containers 9 }}', ""),
        ("{{ add1 .status.count }} {{ add 1 2 3 }} {{ sub 5 2 }} {{ div 7 2 }}", "4 6 3 3"),
        ('{{ printf "%s-%d" .metadata.name 5 }} {{ printf "%q" "a" }} {{ printf "%v" true }}', 'web-5 "a" true'),
        ('{{ if eq .metadata.name "web" "other" }}yes{{ else }}no{{ end }}', "yes"),
        ("{{ if .nothing }}a{{ else if .status.count }}b{{ else }}c{{ end }}", "b"),
        ("{{ with .metadata }}{{ .name }}{{ end }}", "web"),
        ("{{ with .nothing }}x{{ else }}{{ .metadata.name }}{{ end }}", "web"),
        ("{{ if $name := .metadata.name }}{{ $name }}{{ end }}", "web"),
        ("{{ range .spec.containers }}{{ .name }},{{ end }}", "one,two,"),
        ("{{ range $i, $c := .spec.containers }}{{ $i }}={{ $c.name }};{{ end }}", "0=one;1=two;"),
        ("{{ range .nothing }}x{{ else }}none{{ end }}", "none"),
        ("{{ range $k, $v := .metadata.annotations }}{{ $k }}:{{ $v }}{{ end }}", "a.b/c:x"),
        ("{{ range .spec.containers }}{{ .name }}{{ break }}{{ end }}!", "one!"),
        ('{{ range .spec.containers }}{{ if eq .name "one" }}{{ continue }}{{ end }}{{ .name }}{{ end }}', "two"),
        ("{{ $n := 0 }}{{ range .spec.containers }}{{ $n = add1 $n }}{{ end }}{{ $n }}", "2"),
        ("{{ range .spec.containers }}{{ $.metadata.name }}/{{ .name }} {{ end }}", "web/one web/two "),
        ("a {{- 1 -}} b", "a1b"),
        ("a{{/* nothing */}}b{{- /* nor this */ -}} c", "abc"),
        ("c:{{ YAML .spec.containers 1 }}", "c:\n  - image: i:1\n    name: one\n  - image: i:2\n    name: two\n  "),
        ("{{ YAML .metadata.annotations }}", "a.b/c: x\n"),
        ('{{ `raw "text"` }} {{ "a\\tb" }} {{ -3 }} {{ 1.5 }} {{ true }} {{ nil }}', 'raw "text" a\tb -3 1.5 true '),
        ('{x: {{ Quote "}}" }}}', '{x: "}}"}'),
        ('{{ default "d" .nothing }} {{ ternary 1 2 true }} {{ dict "a" 1 | toJson }}', 'd 1 {"a":1}'),
        ('{{ .metadata.name | upper | printf "%s!" }}', "WEB!"),
    ],
)  # fmt: skip
def test_templates_give_what_go_gives(text: str, expected: str) -> None:
    assert rendered(text) == expected


def test_named_templates_see_what_they_are_given_and_nothing_else() -> None:
    text = """{{ define "one" }}{{ $root := .root -}}
{{ with .item }}{{ .name }}@{{ $root.metadata.name }};{{ end }}{{ end -}}
{{ range .spec.containers }}{{ template "one" dict "item" . "root" $ }}{{ end }}"""
    assert rendered(text) == "one@web;two@web;"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ if .a }}", "line 1: an end is missing"),
        ("x\n{{ end }}", "line 2: end without a beginning"),
        ("{{ .a", "line 1: an action is not closed"),
        ("{{ (.a }}", "the action ends too soon"),
        ("{{ .a ~ }}", "cannot read '~'"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(text: str, message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        Template(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ unheard 1 }}", 'function "unheard" is not defined'),
        ("{{ $x }}", r"the variable \$x is not defined"),
        ('{{ template "none" . }}', 'template "none" is not defined'),
        ("{{ add .metadata 1 }}", "add: "),
    ],
)
def test_what_cannot_be_rendered_is_told(text: str, message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        rendered(text)


@given(st.text().filter(lambda text: "{{" not in text))
def test_text_without_actions_stays_as_it_is(text: str) -> None:
    assert rendered(text) == text


TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=126))
VALUES = st.none() | st.booleans() | st.integers(-(2**31), 2**31) | TEXTS


@given(st.recursive(VALUES, lambda inner: st.lists(inner, max_size=3)))
def test_what_is_quoted_or_laid_out_is_read_back(value: Any) -> None:
    def read(action: str) -> Any:
        return yaml_codec.decode(Template(f"v: {action}").render(value, FUNCTIONS))["v"]

    assert read("{{ toJson . }}") == value
    if isinstance(value, str):
        assert read("{{ . | Quote }}") == value
    if isinstance(value, list) and value:
        assert read("{{ YAML . 1 }}") == value
