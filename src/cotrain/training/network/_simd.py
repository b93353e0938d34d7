# ruff: noqa: ARG001 (Numba matches the arguments of intrinsics by name, used or not)
"""Wide vectors for Numba kernels: a row's slice held in registers across a whole sum.

Numba has no vector types, and a plain loop that adds many gathered rows loads and stores its
accumulator at every row. A `Vec` is one LLVM vector of several registers; the same kernel source
serves float32 and float64 and compiles on any processor (LLVM splits what is too wide).
"""

import operator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, overload, register_model


class Vec(types.Type):
    """Numba's type of `lanes` numbers of one floating-point type."""

    def __init__(self, scalar: Any, lanes: int) -> None:
        self.scalar, self.lanes = scalar, lanes
        super().__init__(name=f"Vec({scalar} x {lanes})")


_ELEMENTS = {
    types.float32: ir.FloatType(),
    types.float64: ir.DoubleType(),
    types.uint32: ir.IntType(32),
}


@register_model(Vec)
class _VecModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Vec) -> None:
        super().__init__(dmm, fe_type, ir.VectorType(_ELEMENTS[fe_type.scalar], fe_type.lanes))


@intrinsic(prefer_literal=True)
def load(_, array, offset, lanes):  # type: ignore[no-untyped-def]
    """`lanes` numbers of a contiguous array from `offset` on."""
    vec = Vec(array.dtype, lanes.literal_value)

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        pointer = _pointer(context, builder, signature.args[0], args, vec)
        return builder.load(pointer, align=vec.scalar.bitwidth // 8)

    return vec(array, types.intp, lanes), codegen


@intrinsic
def store(_, array, offset, vec):  # type: ignore[no-untyped-def]
    """Write a vector into a contiguous array from `offset` on."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        pointer = _pointer(context, builder, signature.args[0], args, vec)
        builder.store(args[2], pointer, align=vec.scalar.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, types.intp, vec), codegen


def _pointer(context, builder, array_type, args, vec):  # type: ignore[no-untyped-def]
    array = context.make_array(array_type)(context, builder, args[0])
    first = builder.gep(array.data, [args[1]])
    return builder.bitcast(first, context.get_value_type(vec).as_pointer())


@intrinsic
def total(_, a):  # type: ignore[no-untyped-def]
    """The sum of all lanes, by halves (their number is a power of two)."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        rest, lanes = args[0], a.lanes
        while lanes > 1:
            lanes //= 2
            index = ir.VectorType(ir.IntType(32), lanes)
            low, high = (
                builder.shuffle_vector(rest, rest, ir.Constant(index, list(part)))
                for part in (range(lanes), range(lanes, 2 * lanes))
            )
            rest = builder.fadd(low, high)
        return builder.extract_element(rest, ir.IntType(32)(0))

    return a.scalar(a), codegen


@intrinsic
def spread(_, scalar, like):  # type: ignore[no-untyped-def]
    """A vector of the kind of `like` that holds `scalar` in every lane."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return _spread(context, builder, args[0], like)

    return like(like.scalar, like), codegen


def _spread(context, builder, scalar, vec):  # type: ignore[no-untyped-def]
    nothing = ir.Constant(context.get_value_type(vec), ir.Undefined)
    one = builder.insert_element(nothing, scalar, ir.IntType(32)(0))
    mask = ir.Constant(ir.VectorType(ir.IntType(32), vec.lanes), [0] * vec.lanes)
    return builder.shuffle_vector(one, nothing, mask)


@intrinsic
def fma(_, a, b, c):  # type: ignore[no-untyped-def]
    """A * b + c, rounded once."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return builder.call(_llvm(context, builder, "fma", a, 3), args)

    return a(a, a, a), codegen


@intrinsic
def sqrt(_, a):  # type: ignore[no-untyped-def]
    """The square root of each lane."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return builder.call(_llvm(context, builder, "sqrt", a, 1), args)

    return a(a), codegen


@intrinsic
def count_from(_, first, like):  # type: ignore[no-untyped-def]
    """The uint32 numbers first, first + 1, ..., as many as `like` has lanes."""
    vec = Vec(types.uint32, like.lanes)

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        steps = ir.Constant(context.get_value_type(vec), list(range(vec.lanes)))
        return builder.add(_spread(context, builder, args[0], vec), steps)

    return vec(types.uint32, like), codegen


@intrinsic
def where_at_least(_, bits, threshold, a):  # type: ignore[no-untyped-def]
    """The lanes of `a` where `bits` reach `threshold`, 0 elsewhere."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        zero = ir.Constant(context.get_value_type(a), [0.0] * a.lanes)
        reach = builder.icmp_unsigned(">=", args[0], _spread(context, builder, args[1], bits))
        return builder.select(reach, args[2], zero)

    return a(bits, types.uint32, a), codegen


@intrinsic
def where_positive(_, a, b):  # type: ignore[no-untyped-def]
    """The lanes of `b` where `a` is above 0, 0 elsewhere."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        zero = ir.Constant(context.get_value_type(a), [0.0] * a.lanes)
        return builder.select(builder.fcmp_ordered(">", args[0], zero), args[1], zero)

    return a(a, a), codegen


def _llvm(context, builder, name, vec, n_args):  # type: ignore[no-untyped-def]
    """LLVM's own function `name` on vectors like `vec`."""
    kind = context.get_value_type(vec)
    full_name = f"llvm.{name}.v{vec.lanes}f{vec.scalar.bitwidth}"
    signature = ir.FunctionType(kind, [kind] * n_args)
    return cgutils.get_or_insert_function(builder.module, signature, full_name)


def _binary(name: str, integer_name: str) -> Any:
    @intrinsic
    def operation(_, a, b):  # type: ignore[no-untyped-def]
        def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
            return getattr(builder, integer_name if a.scalar == types.uint32 else name)(*args)

        return a(a, b), codegen

    return operation


def _register(symbol: Any, operation: Any) -> None:
    @overload(symbol)
    def _operator(a, b):  # type: ignore[no-untyped-def]
        if isinstance(a, Vec) and a == b:
            return lambda a, b: operation(a, b)
        return None


_register(operator.add, _binary("fadd", "add"))
_register(operator.sub, _binary("fsub", "sub"))
_register(operator.mul, _binary("fmul", "mul"))
_register(operator.truediv, _binary("fdiv", "udiv"))
_register(operator.xor, _binary("", "xor"))
_register(operator.rshift, _binary("", "lshr"))
