"""Go's `text/template`, as far as stages use it: actions, variables, pipelines, ranges, named templates.

Unlike Go, a field of something that is not there is nothing, and nothing prints as nothing.

https://pkg.go.dev/text/template
"""

from cloudk8s_simulated.stages.template.parsing import TemplateError
from cloudk8s_simulated.stages.template.rendering import Functions, Template

__all__ = ["Functions", "Template", "TemplateError"]
