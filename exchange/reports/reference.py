"""The OpenAPI document as pages read it: each call with its fields, flat, in the order of paths."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

DEPTH_MAX: Final = 3
SAMPLES: Final = {"integer": 1, "number": 1.5, "boolean": True, "string": "text"}
Node = Mapping[str, Any]  # Any: JSON


@dataclass(frozen=True, slots=True)
class Field:
    """One field of what is sent or answered; nested ones carry the path to them."""

    name: str
    type: str
    required: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Door:
    """What the program knows of a call beyond the document: who may, and whether it takes a key."""

    permissions: tuple[str, ...]  # one of them is enough; none: anybody may
    is_idempotent: bool


@dataclass(frozen=True, slots=True)
class Operation:
    """One call of the API."""

    anchor: str
    method: str
    path: str
    summary: str
    detail: str
    tag: str
    door: Door
    query: tuple[Field, ...]
    body: tuple[Field, ...]
    body_type: str
    status: str
    answer: tuple[Field, ...]
    curl: str


def operations(document: Node, doors: Mapping[tuple[str, str], Door]) -> list[Operation]:
    """Every call of the document, by path and method."""
    found = []
    for path, item in sorted(document.get("paths", {}).items()):
        shared = item.get("parameters", [])
        for method, node in item.items():
            if method in {"get", "post", "put", "patch", "delete"}:
                door = doors.get((method.upper(), path), Door((), is_idempotent=False))
                found.append(
                    _Reader(document).operation(path, method, node=node, shared=shared, door=door)
                )
    return found


class _Reader:
    """Reads nodes of one document, following its references."""

    def __init__(self, document: Node) -> None:
        self._document = document

    def operation(
        self, path: str, method: str, *, node: Node, shared: list[Node], door: Door
    ) -> Operation:
        """One call with everything that is said of it."""
        body_type, body = self._body(node)
        status, answer = self._answer(node)
        fields = tuple(self._fields(body)) if body else ()
        return Operation(
            anchor=re.sub(r"\W+", "-", f"{method} {path}").strip("-"),
            method=method.upper(),
            path=path,
            summary=node.get("summary", ""),
            detail=node.get("description", ""),
            tag=next(iter(node.get("tags", [])), ""),
            door=door,
            query=tuple(self._query([*shared, *node.get("parameters", [])])),
            body=fields,
            body_type=body_type,
            status=status,
            answer=tuple(self._fields(answer)) if answer else (),
            curl=self._curl(path, method.upper(), body=body if fields else None, door=door),
        )

    def _query(self, parameters: list[Node]) -> Iterator[Field]:
        for parameter in map(self._resolved, parameters):
            schema = self._resolved(parameter.get("schema", {}))
            required = bool(parameter.get("required"))
            detail = parameter.get("description") or _remarks(schema)
            yield Field(parameter["name"], self._type(schema), required, detail)

    def _body(self, node: Node) -> tuple[str, Node | None]:
        content = self._resolved(node.get("requestBody", {})).get("content", {})
        for media_type, inner in content.items():
            return media_type, inner.get("schema", {})
        return "", None

    def _answer(self, node: Node) -> tuple[str, Node | None]:
        for status, response in node.get("responses", {}).items():
            if status.startswith("2"):
                content = self._resolved(response).get("content", {})
                schema = next((inner.get("schema") for inner in content.values()), None)
                return status, schema
        return "", None

    def _fields(self, node: Node, prefix: str = "", depth: int = 0) -> Iterator[Field]:
        schema = self._resolved(node)
        if schema.get("type") == "array":
            yield from self._fields(schema.get("items", {}), f"{prefix}[]", depth)
            return
        required = set(schema.get("required", []))
        for name, inner in schema.get("properties", {}).items():
            child = self._resolved(inner)
            path = f"{prefix}.{name}".lstrip(".")
            yield Field(path, self._type(child), name in required, _remarks(child))
            if depth < DEPTH_MAX:
                yield from self._fields(child, path, depth + 1)

    def _type(self, schema: Node) -> str:
        kind = schema.get("type", "object" if "properties" in schema else "")
        if isinstance(kind, list):
            return " or ".join(kind)
        if kind == "array":
            return f"array of {self._type(self._resolved(schema.get('items', {})))}"
        return f"{kind}, {schema['format']}" if "format" in schema else str(kind or "any")

    def _resolved(self, node: Node) -> Node:
        for part in node.get("allOf", []):
            return self._resolved(part)
        reference = node.get("$ref")
        if not reference:
            return node
        target: Any = self._document  # Any: JSON on the way down
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]
        return self._resolved(target)

    def _curl(self, path: str, method: str, *, body: Node | None, door: Door) -> str:
        lines = [f'curl -X {method} "$LX_URL{path}"']
        if door.permissions:
            lines.append('-H "Authorization: Bearer $LX_KEY"')
        if door.is_idempotent:
            lines.append('-H "Idempotency-Key: $(uuidgen)"')
        if body is not None:
            sample = json.dumps(self._sample(body), ensure_ascii=False)
            lines += ['-H "Content-Type: application/json"', f"-d '{sample}'"]
        return " \\\n  ".join(lines)

    def _sample(self, node: Node, depth: int = 0) -> Any:  # Any: JSON
        schema = self._resolved(node)
        if "enum" in schema:
            return schema["enum"][0]
        if schema.get("type") == "array":
            return [self._sample(schema.get("items", {}), depth + 1)]
        if "properties" in schema and depth < DEPTH_MAX:
            required = set(schema.get("required", [])) or set(schema["properties"])
            names = [name for name in schema["properties"] if name in required]
            return {name: self._sample(schema["properties"][name], depth + 1) for name in names}
        kind = schema.get("type")
        return SAMPLES.get(kind[0] if isinstance(kind, list) else str(kind), {})


def _remarks(schema: Node) -> str:
    said = [schema["description"]] if schema.get("description") else []
    if schema.get("enum"):
        said.append("one of " + ", ".join(str(value) for value in schema["enum"]))
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None or high is not None:
        said.append(
            " ".join(
                f"{word} {bound}"
                for word, bound in (("from", low), ("to", high))
                if bound is not None
            )
        )
    return "; ".join(said)
