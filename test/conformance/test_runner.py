"""The conformance runner's own rules, on cases made up here."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import cases
import compare
import expected
import runner


def case(name="test_x", kind="node", operators=("Relu",), nodes=1, data_sets=()):
    return cases.Case(
        name, kind, operators[0], operators, nodes, "", data_sets, 1e-3, 1e-7
    )


def model_with_output(elem_type):
    value = helper.make_tensor_value_info("y", elem_type, None)
    return helper.make_model(helper.make_graph([], "g", [], [value]))


def difference(tmp_path, want, have, name="test_x", elem_type=TensorProto.FLOAT):
    for folder, value in (("want", want), ("have", have)):
        (tmp_path / folder).mkdir()
        if value is not None:
            path = tmp_path / folder / "output_0.pb"
            path.write_bytes(numpy_helper.from_array(value).SerializeToString())
    return compare.mismatch(
        case(name), model_with_output(elem_type), tmp_path / "have", tmp_path / "want"
    )


ONE = np.float32([1, 2, 3])


@pytest.mark.parametrize(
    "have",
    [
        ONE + np.float32(0.01),
        ONE.astype(np.float64),
        ONE.reshape(3, 1),
        ONE[:2],
        np.float32([1, 2, np.nan]),
        None,
    ],
)
def test_differences_are_seen(tmp_path, have):
    assert difference(tmp_path, ONE, have)


def test_equal_outputs_agree(tmp_path):
    assert difference(tmp_path, ONE, ONE * np.float32(1 + 1e-5)) is None


def test_nan_agrees_with_nan(tmp_path):
    value = np.float32([np.nan, np.inf])
    assert difference(tmp_path, value, value) is None


def test_narrow_floats_are_compared(tmp_path):
    import ml_dtypes

    want = np.array([1, 2], ml_dtypes.float8_e4m3fn)
    have = np.array([1, 4], ml_dtypes.float8_e4m3fn)
    assert difference(tmp_path, want, have, elem_type=TensorProto.FLOAT8E4M3FN)


def test_random_values_are_compared_by_shape_only(tmp_path):
    assert difference(tmp_path, ONE, ONE + 1, name="test_bernoulli") is None


def test_random_values_need_the_right_shape(tmp_path):
    assert difference(tmp_path, ONE, ONE[:2], name="test_bernoulli")


def test_deterministic_dropout_is_compared(tmp_path):
    name = "test_training_dropout_zero_ratio"
    assert difference(tmp_path, ONE, ONE + 1, name=name)


def test_every_operator_gets_its_smallest_case():
    chosen = runner.one_per_operator(
        [
            case("test_big", operators=("Add", "Relu"), nodes=9),
            case("test_relu"),
            case("test_add", operators=("Add",)),
        ]
    )
    assert [each.name for each in chosen] == ["test_add", "test_relu"]


@pytest.mark.parametrize("count, result", [(2, [0, 5]), (None, list(range(10)))])
def test_spread(count, result):
    assert runner.spread(list(range(10)), count) == result


@pytest.mark.parametrize("text", ["test_a\n", "test_a why\ntest_a why\n"])
def test_list_of_expected_failures_is_checked(tmp_path, text):
    path = tmp_path / "list.txt"
    path.write_text(text)
    with pytest.raises(ValueError):
        expected.load(path)


def test_list_shrinks(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("# head\ntest_a why\ntest_b because\n")
    expected.remove({"test_a"}, path)
    assert path.read_text() == "# head\ntest_b because\n"
    assert expected.load(path) == {"test_b": "because"}


def test_suite_is_the_one_that_is_claimed():
    assert onnx.__version__ == "1.23.2"
    assert len(cases.load()) == 2033
