"""What the model may call: a tool is a function whose docstring and signature become its schema.

A tool takes the context first, then keyword arguments of a few plain kinds:
`str`, `int`, `float`, a `Literal`, a `ProductRef`, a list of them, or any of them or None. The
first paragraph of its docstring speaks to the model.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NewType, Protocol

from assistant.types import ToolResult

ProductRef = NewType("ProductRef", str)
"""A product as the model points at it: the tag of a card (`P3`), or words to search with."""


class RunsTool(Protocol):
    def __call__(self, context: Any, **arguments: Any) -> ToolResult: ...


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may call; one that `writes` changes what the shopper owns."""

    name: str
    description: str
    run: RunsTool
    parameters: Mapping[str, inspect.Parameter]
    writes: bool = False

    def schema(self) -> dict[str, Any]:
        """JSON schema of a decision for this tool: its name, then its arguments, flat.

        `more` says that the message asks for something else besides.
        """
        properties: dict[str, Any] = {"tool": {"const": self.name}}
        required = ["tool"]
        for name, parameter in self.parameters.items():
            properties[name] = _schema_of(parameter.annotation)
            if parameter.default is inspect.Parameter.empty:
                required.append(name)
        properties["more"] = {"const": True}
        return {
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": False,
        }


def tool(function: Callable[..., ToolResult], *, writes: bool = False) -> Tool:
    """Read a tool off a function; raises TypeError for a parameter of an unknown kind."""
    hints = typing.get_type_hints(function)
    parameters = {
        name: parameter.replace(annotation=hints[name])
        for name, parameter in list(inspect.signature(function).parameters.items())[1:]
    }
    for parameter in parameters.values():
        _schema_of(parameter.annotation)
    description = inspect.getdoc(function) or ""
    return Tool(
        function.__name__,
        " ".join(description.split("\n\n")[0].split()),
        function,
        parameters,
        writes,
    )


def decision_schema(tools: Iterable[Tool]) -> dict[str, Any]:
    """The schema of one decision: any of the tools that may be used now, or `reply`."""
    reply = {
        "type": "object",
        "properties": {"tool": {"const": "reply"}},
        "required": ["tool"],
        "additionalProperties": False,
    }
    return {"anyOf": [*(each.schema() for each in tools), reply]}


def _schema_of(annotation: Any) -> dict[str, Any]:
    origin = typing.get_origin(annotation)
    if origin in (typing.Union, types.UnionType):
        kinds = [part for part in typing.get_args(annotation) if part is not type(None)]
        if len(kinds) == 1:
            return _schema_of(kinds[0])
    if origin is list:
        inner = _schema_of(typing.get_args(annotation)[0])
        return {"type": "array", "items": inner, "minItems": 1, "maxItems": 6}
    if origin is Literal:
        return {"enum": list(typing.get_args(annotation))}
    if annotation in (str, ProductRef):
        return {"type": "string", "maxLength": 120}
    if annotation is int:
        return {"type": "integer"}
    if annotation is float:
        return {"type": "number"}
    raise TypeError(f"a tool's parameter cannot be {annotation!r}; see {__name__}")
