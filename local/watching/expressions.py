"""Metric math, as far as alarms need it: + - * / of metrics and numbers, comparisons, IF, FILL, MIN, MAX and SUM.

A series is a value per moment; a moment at which one side has no value has none in the result either, and so has a
division by zero. A number is the same at all moments.
"""

import ast
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from functools import reduce

from local.errors import CloudError

Series = Mapping[float, float]
Value = Series | float
Operation = Callable[[float, float], float]

OPERATIONS: Mapping[type[ast.AST], Operation] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
FOLDED: Mapping[str, Operation] = {"MIN": min, "MAX": max, "SUM": operator.add}


def names(expression: str) -> set[str]:
    """The ids that it needs. Raises `CloudError` when it is not understood here."""
    return _names(_parsed(expression), expression)


def problems(queries: Sequence[tuple[str, str | None]]) -> Iterator[str]:
    """What of these queries (id, expression) cannot be computed: an expression may name metrics and earlier ones."""
    known = {name for name, expression in queries if not expression}
    for name, expression in queries:
        if expression:
            yield from _unknown(expression, known)
            known.add(name)


def _unknown(expression: str, known: Set[str]) -> Iterator[str]:
    try:
        missing = names(expression) - known
    except CloudError:
        yield f"the expression {expression}"
        return
    if missing:
        yield f"the metric {', '.join(sorted(missing))} of {expression}"


def compute(expression: str, series: Mapping[str, Series], moments: Sequence[float]) -> Series:
    """Its value at each of the moments that has one."""
    value = _compute(_parsed(expression), series, moments)
    return dict.fromkeys(moments, value) if isinstance(value, float) else value


def _parsed(expression: str) -> ast.expr:
    try:
        return ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError) as error:
        raise _refused(expression) from error


def _names(node: ast.expr, expression: str) -> set[str]:
    """Also checks that every part is one that `_compute` knows."""
    match node:
        case ast.Constant(value=int() | float()):
            return set()
        case ast.Name(id=name):
            return {name}
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _names(operand, expression)
        case ast.BinOp(left=left, op=op, right=right) | ast.Compare(left=left, ops=[op], comparators=[right]) if (
            type(op) in OPERATIONS
        ):
            return _names(left, expression) | _names(right, expression)
        case ast.Call(func=ast.Name(id="FILL"), args=[filled, ast.Constant(value=int() | float())], keywords=[]):
            return _names(filled, expression)
        case ast.Call(func=ast.Name(id="IF"), args=[_, _, _] as parts, keywords=[]):
            return set().union(*(_names(part, expression) for part in parts))
        case ast.Call(func=ast.Name(id="MIN" | "MAX" | "SUM"), args=[ast.List(elts=[_, *_] as parts)], keywords=[]):
            return set().union(*(_names(part, expression) for part in parts))
    raise _refused(expression)


def _compute(node: ast.expr, series: Mapping[str, Series], moments: Sequence[float]) -> Value:
    def value(part: ast.expr) -> Value:
        return _compute(part, series, moments)

    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name):
            return series[name]
        case ast.UnaryOp(operand=operand):
            return _combined(operator.sub, 0.0, value(operand))
        case ast.BinOp(left=left, op=op, right=right) | ast.Compare(left=left, ops=[op], comparators=[right]):
            return _combined(OPERATIONS[type(op)], value(left), value(right))
        case ast.Call(func=ast.Name(id="FILL"), args=[filled, ast.Constant(value=int() | float() as number)]):
            return {moment: _default(_at(value(filled), moment), float(number)) for moment in moments}
        case ast.Call(func=ast.Name(id="IF"), args=[condition, yes, no]):
            return _chosen(value(condition), value(yes), value(no), moments)
        case ast.Call(func=ast.Name(id=name), args=[ast.List(elts=parts)]):
            return reduce(lambda left, right: _combined(FOLDED[name], left, right), map(value, parts))
    raise _refused(ast.unparse(node))


def _combined(operation: Operation, left: Value, right: Value) -> Value:
    if isinstance(left, float) and isinstance(right, float):
        return _default(_result(operation, left, right), 0.0)
    moments = [*(left if not isinstance(left, float) else ()), *(right if not isinstance(right, float) else ())]
    found = {moment: _result(operation, _at(left, moment), _at(right, moment)) for moment in moments}
    return {moment: each for moment, each in found.items() if each is not None}


def _result(operation: Operation, left: float | None, right: float | None) -> float | None:
    if left is None or right is None:
        return None
    try:
        return float(operation(left, right))
    except ZeroDivisionError:
        return None


def _chosen(condition: Value, yes: Value, no: Value, moments: Sequence[float]) -> Series:
    decided = {moment: _at(condition, moment) for moment in moments}
    chosen = {moment: _at(yes if flag else no, moment) for moment, flag in decided.items() if flag is not None}
    return {moment: each for moment, each in chosen.items() if each is not None}


def _at(value: Value, moment: float) -> float | None:
    return value if isinstance(value, float) else value.get(moment)


def _default(value: float | None, default: float) -> float:
    return default if value is None else value


def _refused(expression: str) -> CloudError:
    return CloudError(
        f"the expression {expression!r} is not understood here: use + - * /, comparisons, IF, FILL with a number,"
        " and MIN, MAX or SUM of a list in brackets"
    )
