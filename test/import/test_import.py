"""What becomes of a model: names, types, weights, functions."""

import numpy as np
import pytest
from onnx import TensorProto, helper

from importing import T, constant, imports, model, module, node, ops, refusal, value
from support.tool import run, tool


def relu(shape, out=None):
    out = shape if out is None else out
    return model([node("Relu", ["x"], ["y"])], [value("x", shape)], [value("y", out)])


def test_names_of_inputs_and_outputs_are_kept(tmp_path):
    text = module(relu([2]), tmp_path)
    assert '(%arg0: tensor<2xf32> {onnx.name = "x"})' in text
    assert '(tensor<2xf32> {onnx.name = "y"})' in text


def test_ops_are_located_at_their_nodes(tmp_path):
    proto = relu([2])
    proto.graph.node[0].name = "act/1"
    assert '"Relu:act/1"' in module(proto, tmp_path, "--locations")


def test_a_node_without_name_is_named_by_its_output(tmp_path):
    assert '"Relu:y"' in module(relu([2]), tmp_path, "--locations")


def test_named_dimensions_are_symbols(tmp_path):
    text = module(relu(["N", 3, "N"]), tmp_path)
    assert 'tensor<?x3x?xf32, #onnx.dims<["N", 3, "N"]>>' in text


def test_unnamed_dimensions_get_readable_symbols(tmp_path):
    text = module(relu([None, 3]), tmp_path)
    assert '#onnx.dims<["x.dim0", 3]>' in text


def test_question_marks_are_not_one_symbol(tmp_path):
    text = module(relu(["?", "?"]), tmp_path)
    assert '#onnx.dims<["x.dim0", "x.dim1"]>' in text


def test_shape_of_an_input_binds_its_symbols(tmp_path):
    proto = model(
        [node("Add", ["x", "z"], ["y"])],
        [value("x", ["N", 3]), value("z", ["N", 3])],
        [value("y", ["N", 3])],
    )
    text = module(proto, tmp_path, "--shape=x:4x3")
    assert "(tensor<4x3xf32>, tensor<4x3xf32>) -> tensor<4x3xf32>" in text


def test_size_of_a_symbol(tmp_path):
    assert "tensor<7xf32>" in module(relu(["N"]), tmp_path, "--shape=N=7")
    assert "tensor<7xf32>" in module(relu([None]), tmp_path, "--shape=x.dim0=7")


def test_a_dimension_left_alone(tmp_path):
    text = module(relu(["N", "M"]), tmp_path, "--shape=x:?x5")
    assert '#onnx.dims<["N", 5]>' in text


def test_a_fixed_size_can_be_replaced(tmp_path):
    text = module(relu([1, 3]), tmp_path, "--shape=x:8x3")
    assert "-> (tensor<8x3xf32>" in text


def test_a_shape_for_an_input_without_one(tmp_path):
    proto = relu([2], out=None)
    proto.graph.input[0].type.tensor_type.ClearField("shape")
    proto.graph.output[0].type.tensor_type.ClearField("shape")
    assert "[IG1702] input 'x' has no shape" in refusal(proto, tmp_path)
    assert "tensor<2x5xf32>" in module(proto, tmp_path, "--shape=x:2x5")


def test_unknown_names_of_shapes(tmp_path):
    text = refusal(relu(["N"]), tmp_path, "--shape=z:4")
    assert "[IG1703] the model has no input 'z'; it has 'x', 'N'" in text
    assert "[IG1703]" in refusal(relu(["N"]), tmp_path, "--shape=M=4")


def test_shapes_that_contradict(tmp_path):
    assert "[IG1704]" in refusal(relu(["N"]), tmp_path, "--shape=x:4x4")
    flags = ["--shape=N=3", "--shape=x:4"]
    assert "[IG1704] symbol 'N' is given the sizes" in refusal(
        relu(["N"]), tmp_path, *flags
    )


def test_malformed_shape(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(relu(["N"]).SerializeToString())
    command = [tool("ingot"), "compile", path, "-o", tmp_path / "m.so"]
    for shape in ("x:4xfour", "N=", "=4", "x:4x-2", "x", "N=-4"):
        done = run([*command, "--shape", shape])
        assert done.status != 0 and "[IG1706]" in done.stderr


def test_negative_dimension_of_an_input(tmp_path):
    assert "[IG1705]" in refusal(relu([-2]), tmp_path)
    # Minus one is what some exporters write for a dynamic size.
    assert '"x.dim0"' in module(relu([-1]), tmp_path)


ELEMENT_TYPES = {
    T.FLOAT: "f32",
    T.DOUBLE: "f64",
    T.FLOAT16: "f16",
    T.BFLOAT16: "bf16",
    T.INT8: "i8",
    T.INT16: "i16",
    T.INT32: "i32",
    T.INT64: "i64",
    T.UINT8: "ui8",
    T.UINT16: "ui16",
    T.UINT32: "ui32",
    T.UINT64: "ui64",
    T.BOOL: "i1",
    T.STRING: "!onnx.string",
    T.FLOAT8E4M3FN: "f8E4M3FN",
    T.FLOAT8E5M2: "f8E5M2",
    T.INT4: "i4",
    T.UINT4: "ui4",
    T.FLOAT4E2M1: "f4E2M1FN",
    T.COMPLEX64: "complex<f32>",
}


@pytest.mark.parametrize("dtype", ELEMENT_TYPES, ids=ELEMENT_TYPES.get)
def test_element_types(tmp_path, dtype):
    proto = model([], [value("x", [2], dtype)], [value("x", [2], dtype)])
    assert f"%arg0: tensor<2x{ELEMENT_TYPES[dtype]}>" in module(proto, tmp_path)


def with_weights(array):
    weights = constant("w", array)
    out = value("y", array.shape, weights.data_type)
    return model([node("Identity", ["w"], ["y"])], [], [out], [weights])


def test_small_tensors_are_in_the_module(tmp_path):
    text = module(with_weights(np.array([1.5, -2], np.float32)), tmp_path)
    assert "dense<[1.500000e+00, -2.000000e+00]> : tensor<2xf32>" in text


def test_large_tensors_are_blobs(tmp_path):
    text = module(with_weights(np.arange(1000, dtype=np.float32)), tmp_path)
    assert "dense_resource<w> : tensor<1000xf32>" in text


def test_large_typed_data_is_a_blob_too(tmp_path):
    proto = with_weights(np.zeros(1000, np.int64))
    tensor = proto.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.int64_data.extend(range(1000))
    assert "dense_resource<w> : tensor<1000xi64>" in module(proto, tmp_path)


def test_unused_initializers_and_their_inputs_vanish(tmp_path):
    proto = relu([2])
    proto.graph.initializer.append(constant("unused", np.zeros(2, np.float32)))
    proto.graph.input.append(value("unused", [2]))
    text = module(proto, tmp_path)
    assert "unused" not in text and "onnx.Constant" not in text


def test_inputs_with_initializers_are_constants_without_remark_before_ir_4(tmp_path):
    proto = relu([2])
    proto.ir_version = 3
    proto.graph.initializer.append(constant("x", np.zeros(2, np.float32)))
    done = imports(proto, tmp_path)
    assert "func.func @main() ->" in done.stdout and "IG1120" not in done.stderr


def test_the_reason_for_a_refused_attribute(tmp_path):
    def leaky(**attributes):
        bad = node("LeakyRelu", ["x"], ["y"], name="n", **attributes)
        return model([bad], [value("x")], [value("y")])

    text = refusal(leaky(alpga=0.5), tmp_path)
    assert "[IG1201] node 'n' (LeakyRelu): unknown attribute 'alpga'" in text
    assert "[IG1204]" in refusal(leaky(alpha="half"), tmp_path)
    twice = leaky(alpha=0.5)
    twice.graph.node[0].attribute.append(twice.graph.node[0].attribute[0])
    assert "[IG1202]" in refusal(twice, tmp_path)


def test_a_missing_attribute(tmp_path):
    bad = node("Cast", ["x"], ["y"], name="n")
    text = refusal(model([bad], [value("x")], [value("y")]), tmp_path)
    assert "[IG1203] node 'n' (Cast): requires attribute 'to'" in text


def test_contradictory_attribute(tmp_path):
    bad = node("LeakyRelu", ["x"], ["y"])
    bad.attribute.add(name="alpha", type=1, i=3)
    assert "[IG1204]" in refusal(model([bad], [value("x")], [value("y")]), tmp_path)


def test_attributes_without_type_are_what_they_hold(tmp_path):
    good = node("LeakyRelu", ["x"], ["y"])
    good.attribute.add(name="alpha", f=0.25)
    text = module(model([good], [value("x")], [value("y")]), tmp_path)
    assert "alpha = 2.500000e-01" in text


def test_a_broken_rule_names_the_node(tmp_path):
    bad = node("Transpose", ["x"], ["y"], name="turn", perm=[0, 0])
    text = refusal(model([bad], [value("x")], [value("y")]), tmp_path)
    assert "[IG1208] node 'turn' (Transpose):" in text


def test_declared_shapes_refine_what_is_not_known(tmp_path):
    proto = model(
        [node("NonZero", ["x"], ["y"])], [value("x", [4])], [value("y", [1, 3], T.INT64)]
    )
    assert "-> tensor<1x3xi64>" in module(proto, tmp_path)


def test_declared_shapes_do_not_replace_symbols(tmp_path):
    # Exporters leave the batch they traced with in the outputs.
    text = module(relu(["N", 3], out=[1, 3]), tmp_path)
    assert '-> (tensor<?x3xf32, #onnx.dims<["N", 3]>>' in text


CONSTANTS = {
    "value_float": (1.5, "dense<1.500000e+00> : tensor<f32>"),
    "value_floats": ([1.5, 2.5], "dense<[1.500000e+00, 2.500000e+00]> : tensor<2xf32>"),
    "value_int": (7, "dense<7> : tensor<i64>"),
    "value_ints": ([7, 8], "dense<[7, 8]> : tensor<2xi64>"),
    "value_string": ("s", 'dense<"s"> : tensor<!onnx.string>'),
    "value_strings": (["s", "t"], 'dense<["s", "t"]> : tensor<2x!onnx.string>'),
    "value": (
        helper.make_tensor("t", T.INT32, [2], [3, 4]),
        "dense<[3, 4]> : tensor<2xi32>",
    ),
}


@pytest.mark.parametrize("name", CONSTANTS)
def test_constants_in_all_forms(tmp_path, name):
    attribute, text = CONSTANTS[name]
    made = node("Constant", [], ["y"], **{name: attribute})
    out = helper.make_empty_tensor_value_info("y")
    assert text in module(model([made], [], [out]), tmp_path)


def test_constant_without_value_or_with_two(tmp_path):
    out = [helper.make_empty_tensor_value_info("y")]
    none = model([node("Constant", [], ["y"])], [], out)
    assert "[IG1203]" in refusal(none, tmp_path)
    two = model([node("Constant", [], ["y"], value_int=1, value_float=1.0)], [], out)
    assert "[IG1204]" in refusal(two, tmp_path)


def test_shapes_of_static_tensors_are_constants(tmp_path):
    nodes = [
        node("Shape", ["x"], ["s"]),
        node("Constant", [], ["i"], value_ints=[0]),
        node("Gather", ["s", "i"], ["n"]),
        node("Constant", [], ["m"], value_ints=[-1]),
        node("Concat", ["n", "m"], ["target"], axis=0),
        node("Reshape", ["x", "target"], ["y"]),
    ]
    text = module(model(nodes, [value("x", [2, 3, 4])], [value("y", [2, 12])]), tmp_path)
    assert ops(text) == ["Reshape"] and "dense<[2, -1]>" in text


def test_static_parts_of_dynamic_shapes_are_constants(tmp_path):
    nodes = [
        node("Shape", ["x"], ["s"]),
        node("Constant", [], ["i"], value_int=1),
        node("Gather", ["s", "i"], ["y"]),
    ]
    proto = model(nodes, [value("x", ["N", 3])], [value("y", [], T.INT64)])
    text = module(proto, tmp_path)
    assert ops(text) == [] and "dense<3> : tensor<i64>" in text


LOCAL = [helper.make_opsetid("", 20), helper.make_opsetid("local", 1)]


def function(name, inputs, outputs, nodes, **extra):
    return helper.make_function("local", name, inputs, outputs, nodes, LOCAL, **extra)


def calling(calls, functions, inputs=None):
    proto = model(calls, inputs or [value("x")], [value("y")])
    proto.opset_import.add(domain="local", version=1)
    proto.functions.extend(functions)
    return proto


def test_functions_are_inlined_with_names_of_their_calls(tmp_path):
    inner = function("inner", ["a"], ["b"], [node("Relu", ["a"], ["b"], name="r")])
    outer = function(
        "outer",
        ["a"],
        ["b"],
        [
            node("inner", ["a"], ["t"], name="i", domain="local"),
            node("Neg", ["t"], ["b"], name="n"),
        ],
    )
    calls = [node("outer", ["x"], ["y"], name="o", domain="local")]
    text = module(calling(calls, [outer, inner]), tmp_path, "--locations")
    assert ops(text)[:2] == ["Relu", "Neg"]
    assert '"Relu:o/i/r"' in text and '"Neg:o/n"' in text


def leaky_function():
    body = node("LeakyRelu", ["a"], ["b"])
    body.attribute.add(name="alpha", type=1, ref_attr_name="slope")
    return body


def test_attributes_of_calls_and_their_defaults(tmp_path):
    given = function("f", ["a"], ["b"], [leaky_function()], attributes=["slope"])
    default = function(
        "g",
        ["a"],
        ["b"],
        [leaky_function()],
        attribute_protos=[helper.make_attribute("slope", 0.125)],
    )
    calls = [
        node("f", ["x"], ["t"], domain="local", slope=0.5),
        node("g", ["t"], ["u"], domain="local"),
        node("f", ["u"], ["y"], domain="local"),
    ]
    text = module(calling(calls, [given, default]), tmp_path)
    slopes = [line.partition("alpha = ")[2][:12] for line in text.splitlines()
              if "LeakyRelu" in line]
    # The last call leaves it out, so that the operator's own default counts.
    assert slopes == ["5.000000e-01", "1.250000e-01", ""]


def test_inputs_and_outputs_that_calls_leave_out(tmp_path):
    clip = function(
        "f",
        ["a", "least", "most"],
        ["b", "c"],
        [
            node("Clip", ["a", "least", "most"], ["b"]),
            node("Neg", ["a"], ["c"]),
        ],
    )
    calls = [node("f", ["x", "", "most"], ["y"], domain="local")]
    text = module(calling(calls, [clip], [value("x"), value("most", [])]), tmp_path)
    assert "onnx.Clip %arg0, %0, %arg1" in text


def test_call_with_too_many_inputs(tmp_path):
    one = function("f", ["a"], ["b"], [node("Relu", ["a"], ["b"])])
    calls = [node("f", ["x", "x"], ["y"], name="call", domain="local")]
    text = refusal(calling(calls, [one]), tmp_path)
    assert "[IG1604] node 'call' (f):" in text


def test_names_within_functions_are_their_own(tmp_path):
    # The function uses the name of a value of the graph for another.
    inner = function("f", ["a"], ["b"], [
        node("Neg", ["a"], ["x"]), node("Relu", ["x"], ["b"])
    ])
    calls = [node("f", ["x"], ["y"], domain="local")]
    assert ops(module(calling(calls, [inner]), tmp_path)) == ["Neg", "Relu"]
    leak = function("f", ["a"], ["b"], [node("Relu", ["x"], ["b"])])
    assert "[IG1107]" in refusal(calling(calls, [leak]), tmp_path)


def test_training_outputs_may_be_listed_but_not_used(tmp_path):
    def batch_norm(outputs):
        bn = node("BatchNormalization", ["x", "s", "b", "m", "v"], ["y", "mean"])
        weights = [constant(n, np.ones(3, np.float32)) for n in "sbmv"]
        return model(
            [bn, *outputs[1:]],
            [value("x", [1, 3, 2])],
            [value(outputs[0], None)],
            weights,
            opset=9,
        )

    assert ops(module(batch_norm(["y"]), tmp_path)) == ["BatchNormalization"]
    used = batch_norm(["z", node("Relu", ["mean"], ["z"])])
    assert "[IG1210]" in refusal(used, tmp_path)


def test_everything_unsupported_is_listed_at_once(tmp_path):
    nodes = [node("Frob", ["x"], [f"t{i}"], name=f"f{i}") for i in range(12)]
    nodes += [node("Twid", ["x"], ["y"], name="t", domain="other")]
    proto = model(nodes, [value("x")], [value("y")])
    text = refusal(proto, tmp_path)
    assert "[IG1301] 13 places" in text
    assert "Frob (ai.onnx, opset 20)" in text and "'f7' and 4 more" in text
    assert "Twid (other, opset 0): the domain is not supported; node 't'" in text


def test_a_model_in_memory_with_a_folder_for_its_data(tmp_path):
    (tmp_path / "data.bin").write_bytes(np.arange(4, dtype=np.float32).tobytes())
    weights = TensorProto(name="w", data_type=T.FLOAT, dims=[4], data_location=1)
    weights.external_data.add(key="location", value="data.bin")
    proto = model([node("Relu", ["w"], ["y"])], [], [value("y", [4])], [weights])
    assert "[IG1507]" in refusal(proto, tmp_path, "--memory")
    text = module(proto, tmp_path, "--memory", f"--data-folder={tmp_path}")
    assert "3.000000e+00" in text


def test_weights_are_not_read(tmp_path):
    """Memory while importing: far below the size of the weights."""
    import harness_memory

    size = 256 << 20
    path = harness_memory.model_with_weights(tmp_path, size)
    small = harness_memory.model_with_weights(tmp_path, 4096)
    more = harness_memory.peak(path) - harness_memory.peak(small)
    assert more < 16 << 20
