"""Pieces to nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cloudk8s.machinery import codec
from cloudk8s_simulated.stages.template.lexing import Action, TemplateError, Word, pieces
from cloudk8s_simulated.stages.template.nodes import (
    Assign,
    Branch,
    Call,
    Document,
    Expression,
    Include,
    Jump,
    Literal,
    Node,
    Output,
    Path,
    Pipeline,
    Range,
    Text,
    Variable,
)

__all__ = ["TemplateError", "parse"]

_CONSTANTS: Final = {"true": True, "false": False, "nil": None}
_ENDS: Final = ("end", "else")


def parse(text: str) -> Document:
    """Read a template. Raises TemplateError."""
    parser = _Parser(list(pieces(text)))
    body = parser.body()
    if parser.ended_by is not None:
        raise TemplateError(f"line {parser.ended_by.line}: {parser.ended_by.words[0].text} without a beginning")
    return Document(body, parser.named)


class _Parser:
    """Reads nodes one after the other; `ended_by` is the action that closed the last body."""

    def __init__(self, found: Sequence[str | Action]) -> None:
        self._pieces, self._position = found, 0
        self.named: dict[str, Sequence[Node]] = {}
        self.ended_by: Action | None = None

    def body(self) -> list[Node]:
        """Nodes up to an `end` or `else` that is not theirs."""
        nodes: list[Node] = []
        self.ended_by = None
        while self._position < len(self._pieces):
            piece = self._pieces[self._position]
            self._position += 1
            if isinstance(piece, str):
                if piece:
                    nodes.append(Text(piece))
                continue
            if piece.words and piece.words[0].text in _ENDS and piece.words[0].kind == "name":
                self.ended_by = piece
                return nodes
            if (node := self._action(piece)) is not None:
                nodes.append(node)
        self.ended_by = None
        return nodes

    def _action(self, action: Action) -> Node | None:
        words = _Words(action.words, action.line)
        match words.peek().text if words.peek().kind == "name" else "":
            case "if" | "with" as kind:
                words.take()
                return self._branch(words, moves_dot=kind == "with")
            case "range":
                words.take()
                return self._range(words)
            case "define":
                words.take()
                name = _string(words.take())
                self.named[name] = self._closed(words)[0]
                return None
            case "template":
                words.take()
                return Include(_string(words.take()), None if words.is_empty else words.pipeline())
            case "break" | "continue" as kind:
                return Jump(kind)
        if (assigned := words.assignment()) is not None:
            return assigned
        return Output(words.all())

    def _branch(self, words: _Words, *, moves_dot: bool) -> Branch:
        name = words.declared_name()
        condition = words.all()
        body, otherwise = self._closed(words)
        return Branch(condition, name, body, otherwise, moves_dot)

    def _range(self, words: _Words) -> Range:
        names = words.declared_names()
        over = words.all()
        body, otherwise = self._closed(words)
        return Range(names, over, body, otherwise)

    def _closed(self, words: _Words) -> tuple[list[Node], list[Node]]:
        """A body and its `else`, up to the `end`; `else if` and `else with` are an `else` with one node."""
        body = self.body()
        ended = self.ended_by
        if ended is None:
            raise TemplateError(f"line {words.line}: an end is missing")
        if ended.words[0].text == "end":
            return body, []
        if len(ended.words) > 1:
            node = self._action(Action(ended.words[1:], ended.line))
            return body, [node] if node is not None else []
        otherwise = self.body()
        if self.ended_by is None:
            raise TemplateError(f"line {words.line}: an end is missing")
        return body, otherwise


class _Words:
    """Reads expressions from the words of one action."""

    def __init__(self, words: Sequence[Word], line: int) -> None:
        self._words, self._position, self.line = words, 0, line

    @property
    def is_empty(self) -> bool:
        return self._position >= len(self._words)

    def peek(self, ahead: int = 0) -> Word:
        place = self._position + ahead
        return self._words[place] if place < len(self._words) else Word("", "", False)

    def take(self) -> Word:
        if self.is_empty:
            raise TemplateError(f"line {self.line}: the action ends too soon")
        self._position += 1
        return self._words[self._position - 1]

    def assignment(self) -> Assign | None:
        if self.peek().kind != "variable" or self.peek(1).text not in (":=", "="):
            return None
        name, mark = self.take().text, self.take().text
        return Assign(name, self.all(), mark == ":=")

    def declared_name(self) -> str:
        """The variable of `if $x := …`; empty without one."""
        names = self.declared_names()
        return names[0] if names else ""

    def declared_names(self) -> list[str]:
        """The variables of `range $i, $item := …`."""
        marks = [word.text for word in self._words[self._position :]]
        if ":=" not in marks:
            return []
        end = self._position + marks.index(":=")
        names = [word.text for word in self._words[self._position : end] if word.kind == "variable"]
        self._position = end + 1
        return names

    def all(self) -> Pipeline:
        """A pipeline that takes all words there are."""
        found = self.pipeline()
        if not self.is_empty:
            raise TemplateError(f"line {self.line}: {self.peek().text!r} is unexpected")
        return found

    def pipeline(self) -> Pipeline:
        commands = [self._command()]
        while self.peek().text == "|":
            self.take()
            commands.append(self._command())
        return Pipeline(commands)

    def _command(self) -> Expression:
        if self.peek().kind == "name" and self.peek().text not in _CONSTANTS:
            name, arguments = self.take().text, []
            while not self.is_empty and self.peek().text not in ("|", ")"):
                arguments.append(self._operand())
            return Call(name, arguments)
        return self._operand()

    def _operand(self) -> Expression:
        word = self.take()
        match word.kind:
            case "string" | "char":
                return Literal(_string(word))
            case "number":
                return Literal(_number(word.text, self.line))
            case "dot":
                return Path(None)
            case "fields":
                return Path(None, [word.text[1:], *self._fields()])
            case "variable":
                fields = self._fields()
                return Path(Variable(word.text), fields) if fields else Variable(word.text)
            case "name" if word.text in _CONSTANTS:
                return Literal(_CONSTANTS[word.text])
            case "name":
                return Call(word.text)
        if word.text == "(":
            inner = self.pipeline()
            if self.take().text != ")":
                raise TemplateError(f"line {self.line}: a parenthesis is not closed")
            return Path(inner, self._fields())
        raise TemplateError(f"line {self.line}: {word.text!r} is unexpected")

    def _fields(self) -> list[str]:
        fields = []
        while self.peek().kind == "fields" and self.peek().is_joined:
            fields.append(self.take().text[1:])
        return fields


def _string(word: Word) -> str:
    if word.kind not in ("string", "char"):
        raise TemplateError(f"a name in quotes is missing before {word.text!r}")
    if word.text.startswith("`"):
        return word.text[1:-1]
    return str(codec.decode(b'"' + word.text[1:-1].encode() + b'"'))


def _number(text: str, line: int) -> int | float:
    try:
        return int(text, 0)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        raise TemplateError(f"line {line}: {text!r} is no number") from None
