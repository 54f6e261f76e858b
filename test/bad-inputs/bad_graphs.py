"""Group C: the structure of models, graphs and functions."""

import onnx
from onnx import TensorProto, helper

from bad_models import Group, array, graph, identity, model, tensor, value, write
from protobuf import field

GROUP_C = Group()
case, each = GROUP_C.case, GROUP_C.each
node = helper.make_node

UNSUPPORTED, TOO_DEEP = "IG1301", "IG1113"


@case("C1", "IG1105", says=("'a'", "'b'", "'c'"))
def cycle(folder):
    nodes = [
        node("Add", ["x", "q"], ["r"], name="a"),
        node("Relu", ["r"], ["s"], name="b"),
        node("Relu", ["s"], ["q"], name="c"),
        node("Relu", ["q"], ["y"], name="d"),
    ]
    return write(folder, model(nodes))


@case("C1", "IG1105", says=("'self'",))
def cycle_of_one(folder):
    return write(folder, model([node("Add", ["x", "y"], ["y"], name="self")]))


@case("C1", "IG1105")
def cycle_of_many(folder):
    nodes = [node("Relu", [f"v{i}"], [f"v{i + 1}"]) for i in range(50_000)]
    nodes.append(node("Add", ["v50000", "x"], ["v0"]))
    return write(folder, model(nodes, outputs=[value("v0")]))


@case("C2", "IG1106", says=("'first'", "'t'"))
def not_sorted(folder):
    nodes = [
        node("Relu", ["t"], ["y"], name="first"),
        node("Neg", ["x"], ["t"], name="second"),
    ]
    return write(folder, model(nodes))


@case("C3", "IG1104", says=("'t'",))
def value_made_twice(folder):
    nodes = [node(op, ["x"], ["t"], name=op) for op in ("Relu", "Neg")]
    return write(folder, model([*nodes, node("Relu", ["t"], ["y"])]))


@case("C3", "IG1104")
def node_makes_an_input(folder):
    return write(folder, model([node("Relu", ["x"], ["x"])], outputs=[value("x")]))


@case("C3", "IG1104")
def node_makes_an_initializer(folder):
    nodes = [node("Relu", ["x"], ["w"])]
    return write(folder, model(nodes, None, [value("w")], [tensor([4], raw=bytes(16))]))


@case("C3", "IG1104")
def two_inputs_of_one_name(folder):
    return write(folder, model([node("Relu", ["x"], ["y"])], [value("x")] * 2))


@case("C3", "IG1104")
def two_initializers_of_one_name(folder):
    weights = [tensor([4], raw=bytes(16))] * 2
    return write(folder, model([node("Relu", ["w"], ["y"])], None, None, weights))


@case("C4", "ok")
def two_nodes_of_one_name(folder):
    nodes = [node("Relu", ["x"], ["t"], name="n"), node("Neg", ["t"], ["y"], name="n")]
    return write(folder, model(nodes))


@case("C5", "ok", shows=("IG1120] input 'w'", "main(%arg0: tensor<4xf32> {onnx.name = \"x\"})"))
def input_with_a_default(folder):
    data = model(
        [node("Add", ["x", "w"], ["y"])],
        [value("x"), value("w")],
        None,
        [tensor([4], raw=bytes(16))],
    )
    return write(folder, data)


@case("C6", "IG1107", says=("'ghost'",))
def nothing_makes_the_input(folder):
    return write(folder, model([node("Relu", ["ghost"], ["y"], name="n")]))


@case("C7", "IG1108", says=("'z'",))
def nothing_makes_the_output(folder):
    return write(folder, model([node("Relu", ["x"], ["y"])], None, [value("z")]))


@case("C8", "ok", shows=("return %arg0",))
def output_is_an_input(folder):
    return write(folder, model([], outputs=[value("x")]))


@case("C8", "ok", shows=("onnx.Constant",))
def output_is_an_initializer(folder):
    return write(
        folder, model([], None, [value("w")], [tensor([4], raw=bytes(16))])
    )


@case("C9", "IG1109", says=("'y'",))
def output_listed_twice(folder):
    return write(folder, model([node("Relu", ["x"], ["y"])], None, [value("y")] * 2))


@case("C10", "ok")
def no_nodes(folder):
    return write(folder, model([], [value("a")], [value("a")]))


@case("C11", "IG1110")
def no_outputs(folder):
    return write(folder, model([node("Relu", ["x"], ["y"])], None, []))


@case("C12", "ok", shows=('onnx.name = "unused"',))
def unused_input_and_node(folder):
    nodes = [node("Relu", ["x"], ["y"]), node("Neg", ["x"], ["dead"])]
    return write(folder, model(nodes, [value("x"), value("unused")]))


@case(
    "C13", UNSUPPORTED, says=("Frobnicate", "Twiddle", "com.example", "'f'", "'t'", "20")
)
def unknown_operators(folder):
    nodes = [
        node("Frobnicate", ["x"], ["a"], name="f"),
        node("Twiddle", ["a"], ["y"], name="t", domain="com.example"),
    ]
    data = model(nodes)
    data.opset_import.add(domain="com.example", version=1)
    return write(folder, data)


@case("C13", UNSUPPORTED)
def op_that_is_no_operator(folder):
    return write(folder, model([node("None", ["x"], ["y"])]))


@case("C14", UNSUPPORTED, says=("com.unknown",))
def domain_not_imported(folder):
    return write(folder, model([node("Relu", ["x"], ["y"], domain="com.unknown")]))


@each(
    "C14",
    "IG1103",
    {
        "no-import": [],
        "zero": [("", 0)],
        "999": [("", 999)],
        "huge": [("", 2**63 - 1)],
        "negative": [("", -1)],
        "twice": [("", 20), ("", 20)],
        "twice-by-alias": [("", 20), ("ai.onnx", 19)],
        "other-only": [("com.example", 1)],
    },
)
def opset_imports(folder, imports):
    data = identity()
    del data.opset_import[:]
    for domain, version in imports:
        data.opset_import.add(domain=domain, version=version)
    return write(folder, data)


OLD_FORMS = {
    "1-relu-consumed": (1, [node("Relu", ["x"], ["y"], consumed_inputs=[0])], "Relu"),
    "1-reshape": (1, [node("Reshape", ["x"], ["y"], shape=[4])], "Reshape"),
    "3-cast": (3, [node("Cast", ["x"], ["y"], to="FLOAT")], "Cast"),
    "6-add-broadcast": (6, [node("Add", ["x", "x"], ["y"], broadcast=1)], "Add"),
}


@each("C15", "ok", OLD_FORMS)
def old_form(folder, form):
    opset, nodes, _ = form
    return write(folder, model(nodes, opset=opset, ir_version=3))


@case("C15", "IG1303")
def old_form_without_a_new_one(folder):
    channels = [value("x", [1, 2, 4])]
    weights = [tensor([2], raw=bytes(8), name=n) for n in "sbmv"]
    bad = node(
        "BatchNormalization", ["x", "s", "b", "m", "v"], ["y"], name="bn", spatial=0
    )
    return write(
        folder, model([bad], channels, [value("y", [1, 2, 4])], weights, opset=7)
    )


def nested(op, depth):
    """`depth` graphs within each other, as bytes: no library writes 100 000."""
    out = field(12, value("r").SerializeToString())
    inner = field(1, node("Relu", ["x"], ["r"]).SerializeToString()) + out
    for level in range(depth):
        if op == "If":
            names, inputs = ("then_branch", "else_branch"), field(1, "c")
        else:
            names, inputs = ("body",), field(1, "") + field(1, "c") + field(1, "x")
        # One branch is deep, the other flat: the size stays linear.
        deep = field(5, field(1, names[0]) + field(20, 5) + field(6, inner))
        flat = b""
        if len(names) > 1:
            branch = field(1, node("Relu", ["x"], ["r"]).SerializeToString()) + out
            flat = field(5, field(1, names[1]) + field(20, 5) + field(6, branch))
        body = inputs + field(2, "r") + field(3, f"n{level}") + field(4, op)
        inner = field(1, body + deep + flat) + out
    condition = value("c", [], TensorProto.BOOL).SerializeToString()
    inner += field(11, condition) + field(11, value("x").SerializeToString())
    return field(1, 10) + field(8, field(2, 20)) + field(7, inner)


for op, id in (("If", "C16"), ("Loop", "C17")):
    # The operator is not compiled yet; nesting is bounded before that matters.
    for depth, code in ((10, UNSUPPORTED), (64, UNSUPPORTED), (65, TOO_DEEP)):
        each(id, code, {f"depth-{depth}": (op, depth)})(
            lambda folder, what: write(folder, nested(*what))
        )


def very_deep(folder, what):
    """Lengths of messages around messages, written from the inside out
    without copying the inside again for each level."""
    op, depth = what
    name = "then_branch" if op == "If" else "body"
    output = field(12, value("r").SerializeToString())
    core = field(1, node("Relu", ["x"], ["r"]).SerializeToString()) + output
    from protobuf import key, varint

    heads, size = [], len(core)
    for _ in range(depth):
        # graph <- attribute.g <- node.attribute <- graph.node, then outputs
        attribute = field(1, name) + field(20, 5) + key(6, 2) + varint(size)
        size += len(attribute)
        call = field(1, "c") + field(2, "r") + field(4, op) + key(5, 2) + varint(size)
        size += len(call)
        head = key(1, 2) + varint(size)
        size += len(head) + len(output)
        heads.append(head + call + attribute)
    graph_bytes = b"".join(reversed(heads)) + core + output * depth
    assert len(graph_bytes) == size
    graph_bytes += field(11, value("c", [], TensorProto.BOOL).SerializeToString())
    graph_bytes += field(11, value("x").SerializeToString())
    return write(folder, field(1, 10) + field(8, field(2, 20)) + field(7, graph_bytes))


for op, id in (("If", "C16"), ("Loop", "C17")):
    each(id, TOO_DEEP, {f"depth-{n}": (op, n) for n in (1000, 100_000)})(very_deep)


@case("C18", UNSUPPORTED, says=("If",))
def subgraph_uses_an_outer_value(folder):
    branch = helper.make_graph(
        [node("Relu", ["x"], ["r"])], "branch", [], [value("r")]
    )
    nodes = [node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)]
    return write(folder, model(nodes, [value("x"), value("c", [], TensorProto.BOOL)]))


def function(name, nodes, inputs=("a",), outputs=("b",), **extra):
    return helper.make_function(
        "local",
        name,
        list(inputs),
        list(outputs),
        nodes,
        [helper.make_opsetid("", 20), helper.make_opsetid("local", 1)],
        **extra,
    )


def calling(functions, calls=None):
    data = model(calls or [node("f0", ["x"], ["y"], domain="local", name="call")])
    data.opset_import.add(domain="local", version=1)
    data.functions.extend(functions)
    return data


def call(name, source="a", target="b"):
    return node(name, [source], [target], domain="local", name=f"to-{name}")


@case("C19", "IG1601", says=("'f0'",))
def function_calls_itself(folder):
    return write(folder, calling([function("f0", [call("f0")])]))


@case("C19", "IG1601")
def functions_call_each_other(folder):
    functions = [function("f0", [call("f1")]), function("f1", [call("f0")])]
    return write(folder, calling(functions))


def chain(length):
    functions = [function(f"f{i}", [call(f"f{i + 1}")]) for i in range(length - 1)]
    relu = node("Relu", ["a"], ["b"])
    return calling([*functions, function(f"f{length - 1}", [relu])])


@case("C20", "IG1601")
def chain_of_3000_functions(folder):
    return write(folder, chain(3000))


@case("C20", "ok", shows=("onnx.Relu",))
def chain_of_10_functions(folder):
    return write(folder, chain(10))


@case("C21", "IG1602")
def functions_that_double_40_times(folder):
    functions = [
        function(f"f{i}", [call(f"f{i + 1}", "a", "t"), call(f"f{i + 1}", "t", "b")])
        for i in range(40)
    ]
    relu = node("Relu", ["a"], ["b"])
    return write(folder, calling([*functions, function("f40", [relu])]))


@case("C22", "IG1603", says=("'f0'",))
def function_defined_twice(folder):
    same = function("f0", [node("Relu", ["a"], ["b"])])
    return write(folder, calling([same, same]))


@case("C22", "ok", shows=("onnx.Relu", "onnx.Neg"))
def function_overloads(folder):
    functions = []
    for overload, op in (("one", "Relu"), ("two", "Neg")):
        functions.append(function("f0", [node(op, ["a"], ["b"])]))
        functions[-1].overload = overload
    calls = [
        node("f0", ["x"], ["t"], domain="local", overload="one"),
        node("f0", ["t"], ["y"], domain="local", overload="two"),
    ]
    return write(folder, calling(functions, calls))


@case("C23", "ok", shows=("onnx.Clip %arg0, %0, ",))
def input_left_out(folder):
    return write(
        folder,
        model(
            [node("Clip", ["x", "", "most"], ["y"])],
            [value("x"), value("most", [])],
        ),
    )


INPUT_COUNTS = {
    "too-many": node("Relu", ["x", "x", "x"], ["y"], name="n"),
    "too-few": node("Add", ["x"], ["y"], name="n"),
    "none": node("Relu", [], ["y"], name="n"),
    "required-left-out": node("Add", ["", "x"], ["y"], name="n"),
    "none-of-variadic": node("Sum", [], ["y"], name="n"),
}


@each("C23", "IG1206|IG1208", INPUT_COUNTS, says=("'n'",))
def input_count(folder, bad):
    return write(folder, model([bad]))


@case("C23", "IG1207", says=("'n'",))
def too_many_outputs(folder):
    return write(folder, model([node("Relu", ["x"], ["y", "z"], name="n")]))


DECLARATIONS = {
    "size": value("y", [5]),
    "rank": value("y", [4, 1]),
    "type": value("y", [4], TensorProto.INT32),
}


@each("C24", "IG1209", DECLARATIONS, says=("'y'", "declared", "computed"))
def output_contradicts(folder, output):
    return write(folder, model([node("Relu", ["x"], ["y"])], None, [output]))


@case("C24", "IG1209", says=("'t'", "[7]", "[4]"))
def value_info_contradicts(folder):
    data = model([node("Relu", ["x"], ["t"]), node("Neg", ["t"], ["y"])])
    data.graph.value_info.append(value("t", [7]))
    return write(folder, data)


TYPES = {
    "sequence": helper.make_tensor_sequence_value_info("x", 1, [4]),
    "optional": helper.make_value_info(
        "x", helper.make_optional_type_proto(helper.make_tensor_type_proto(1, [4]))
    ),
    "map": onnx.ValueInfoProto(
        name="x",
        type=onnx.TypeProto(
            map_type=onnx.TypeProto.Map(
                key_type=7, value_type=helper.make_tensor_type_proto(1, [4])
            )
        ),
    ),
    "sparse": helper.make_value_info("x", helper.make_sparse_tensor_type_proto(1, [4])),
}


@each("C25", "IG1302", TYPES, says=("'x'",))
def input_type(folder, info):
    return write(folder, model([node("Identity", ["x"], ["y"])], [info]))


@case("C25", "IG1701", says=("'x'",))
def input_without_type(folder):
    info = onnx.ValueInfoProto(name="x")
    return write(folder, model([node("Identity", ["x"], ["y"])], [info]))


@case("C25", "IG1302")
def type_nested_100_000_times(folder):
    type_bytes = helper.make_tensor_type_proto(1, [4]).SerializeToString()
    heads, size = [], len(type_bytes)
    from protobuf import key, varint

    for _ in range(100_000):
        element = key(1, 2) + varint(size)
        size += len(element)
        sequence = key(4, 2) + varint(size)
        size += len(sequence)
        heads.append(sequence + element)
    deep = b"".join(reversed(heads)) + type_bytes
    graph_bytes = field(1, node("Identity", ["x"], ["y"]).SerializeToString())
    graph_bytes += field(11, field(1, "x") + field(2, deep))
    graph_bytes += field(12, value("y").SerializeToString())
    return write(folder, field(1, 10) + field(8, field(2, 20)) + field(7, graph_bytes))


@case("C26", "ok")
def metadata_key_twice(folder):
    data = identity()
    data.metadata_props.add(key="k", value="1")
    data.metadata_props.add(key="k", value="2")
    return write(folder, data)


@case("C27", "ok")
def training_and_annotations(folder):
    data = identity()
    data.training_info.add().algorithm.name = "sgd"
    annotation = data.graph.quantization_annotation.add(tensor_name="x")
    annotation.quant_parameter_tensor_names.add(key="SCALE_TENSOR", value="s")
    data.configuration.add(name="device", num_devices=2)
    data.graph.node[0].device_configurations.add(configuration_id="device")
    return write(folder, data)


@each("C28", "ok", {"sum": "Sum", "concat": "Concat"}, seconds=30)
def node_with_a_million_inputs(folder, op):
    extra = {"axis": 0} if op == "Concat" else {}
    size = 4_000_000 if op == "Concat" else 4
    big = node(op, ["x"] * 1_000_000, ["y"], **extra)
    return write(folder, model([big], None, [value("y", [size])]))


@each("C29", "IG1112", {"none": [], "empty": [""]})
def constant_without_output(folder, outputs):
    bad = node("Constant", [], outputs, value=array([1.0]))
    return write(folder, model([bad, node("Relu", ["x"], ["y"])]))


@case("C29", "IG1112")
def node_without_operator(folder):
    return write(folder, model([node("", ["x"], ["y"])]))


def with_reference(attribute_value=False):
    bad = node("LeakyRelu", ["a"], ["b"], name="n")
    reference = bad.attribute.add(name="alpha", type=1, ref_attr_name="slope")
    if attribute_value:
        reference.f = 0.5
    return bad


@case("C30", "IG1205", says=("'alpha'", "'slope'"))
def reference_outside_of_a_function(folder):
    bad = with_reference()
    bad.input[0], bad.output[0] = "x", "y"
    return write(folder, model([bad]))


@case("C30", "IG1205")
def reference_with_a_value(folder):
    return write(
        folder, calling([function("f0", [with_reference(True)], attributes=["slope"])])
    )


@case("C30", "IG1205")
def reference_to_nothing(folder):
    return write(folder, calling([function("f0", [with_reference()])]))
