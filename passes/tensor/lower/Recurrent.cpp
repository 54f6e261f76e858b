//===- Recurrent.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Recurrent layers as products and elementwise work, step by step: the products
// of all inputs with W are one matrix product, and each step adds that of its
// state with R. Steps have equal shapes and so share their kernels.
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Recurrent.h"
#include "dialects/onnx/Activation.h"
#include "dialects/onnx/Elementwise.h"
#include "dialects/onnx/Index.h"
#include "dialects/onnx/Layout.h"
#include "dialects/onnx/Linear.h"
#include "dialects/onnx/Logic.h"
#include "dialects/onnx/Shape.h"
#include "dialects/onnx/TypeChecks.h"
#include "passes/graph/TensorData.h"
#include "passes/tensor/Lowering.h"

using namespace mlir;
using namespace ingot;

/// More steps than that would make a module larger than a model should.
constexpr int64_t mostSteps = 512;

namespace {
/// The ops of one layer, made where the layer is.
class Recurrence {
public:
  Recurrence(OpBuilder &b, Location loc) : b(b), loc(loc) {}

  Value integers(ArrayRef<int64_t> values) {
    auto type = RankedTensorType::get(int64_t(values.size()), b.getI64Type());
    return onnx::ConstantOp::create(b, loc,
                                    DenseIntElementsAttr::get(type, values));
  }
  Value number(Value like, double v) {
    Type element = getElementTypeOrSelf(like.getType());
    auto type = RankedTensorType::get({}, element);
    return onnx::ConstantOp::create(
        b, loc, DenseElementsAttr::get(type, b.getFloatAttr(element, v)));
  }
  /// Entry `i` of dimension 0, which is dropped.
  Value entry(Value v, int64_t i) {
    auto type = RankedTensorType::get({}, b.getI64Type());
    Value index = onnx::ConstantOp::create(
        b, loc, DenseIntElementsAttr::get(type, ArrayRef<int64_t>(i)));
    return onnx::GatherOp::create(b, loc, v, index, 0);
  }
  /// Elements [from, to) of an axis.
  Value part(Value v, int64_t axis, int64_t from, int64_t to) {
    return onnx::SliceOp::create(b, loc, v, integers(from), integers(to),
                                 integers(axis), integers(1));
  }
  Value transpose(Value v, ArrayRef<int64_t> perm) {
    return onnx::TransposeOp::create(b, loc, v, b.getDenseI64ArrayAttr(perm));
  }
  Value insertAxes(Value v, ArrayRef<int64_t> axes) {
    return onnx::UnsqueezeOp::create(b, loc, v, integers(axes));
  }
  Value join(ArrayRef<Value> parts, int64_t axis) {
    if (parts.size() == 1)
      return parts[0];
    return onnx::ConcatOp::create(b, loc, ValueRange(parts), axis);
  }
  Value add(Value x, Value y) {
    return x && y ? onnx::AddOp::create(b, loc, x, y).getResult() : x ? x : y;
  }
  Value sub(Value x, Value y) { return onnx::SubOp::create(b, loc, x, y); }
  /// x * y, of which null is 0.
  Value mul(Value x, Value y) {
    return x && y ? onnx::MulOp::create(b, loc, x, y).getResult() : Value();
  }
  Value matmul(Value x, Value y) {
    return x ? onnx::MatMulOp::create(b, loc, x, y).getResult() : Value();
  }

  /// Which rows have more than `t` steps, as a column.
  Value isBefore(int64_t t, Value lengths) {
    Type element = getElementTypeOrSelf(lengths.getType());
    auto type = RankedTensorType::get({}, element);
    Value step = onnx::ConstantOp::create(
        b, loc, DenseElementsAttr::get(type, b.getIntegerAttr(element, t)));
    return insertAxes(onnx::LessOp::create(b, loc, step, lengths), 1);
  }
  /// x where the condition holds, else y, of which null is 0.
  Value choose(Value condition, Value x, Value y) {
    return onnx::WhereOp::create(b, loc, condition, x, y ? y : number(x, 0));
  }

  /// Rows [from, to) of direction `d` of weights [D, gates x H, K] as a matrix
  /// [K, to - from]: in place for constants, which products then find packed.
  Value matrix(Value weights, int64_t d, int64_t from, int64_t to);

  OpBuilder &b;
  Location loc;
};

/// An activation function with its parameters.
struct Activation {
  std::string name;
  float alpha, beta;
};
} // namespace

Value Recurrence::matrix(Value weights, int64_t d, int64_t from, int64_t to) {
  ElementsAttr attr = graph::constantOf(weights);
  std::optional<graph::TensorData> source;
  if (attr)
    source = graph::TensorData::of(attr);
  if (!source)
    return transpose(part(entry(weights, d), 0, from, to), {1, 0});
  RankedTensorType given = source->type();
  int64_t rows = given.getDimSize(1), columns = given.getDimSize(2);
  auto type =
      RankedTensorType::get({columns, to - from}, given.getElementType());
  graph::TensorData matrix = graph::TensorData::zeros(type);
  for (int64_t r = from; r < to; ++r)
    for (int64_t c = 0; c < columns; ++c)
      matrix.store(c * (to - from) + r - from,
                   source->load((d * rows + r) * columns + c));
  return onnx::ConstantOp::create(b, loc, matrix.toAttr());
}

/// The value of an activation function; null if there is none of that name.
static Value activate(Recurrence &r, const Activation &f, Value x) {
  OpBuilder &b = r.b;
  APFloat alpha(f.alpha), beta(f.beta);
  std::string name = StringRef(f.name).lower();
  if (name == "sigmoid")
    return onnx::SigmoidOp::create(b, r.loc, x);
  if (name == "tanh")
    return onnx::TanhOp::create(b, r.loc, x);
  if (name == "relu")
    return onnx::ReluOp::create(b, r.loc, x);
  if (name == "affine")
    return r.add(r.mul(x, r.number(x, f.alpha)), r.number(x, f.beta));
  if (name == "leakyrelu")
    return onnx::LeakyReluOp::create(b, r.loc, x, alpha);
  if (name == "thresholdedrelu")
    return onnx::ThresholdedReluOp::create(b, r.loc, x, alpha);
  if (name == "scaledtanh")
    return r.mul(onnx::TanhOp::create(b, r.loc, r.mul(x, r.number(x, f.beta))),
                 r.number(x, f.alpha));
  if (name == "hardsigmoid")
    return onnx::HardSigmoidOp::create(b, r.loc, x, alpha, beta);
  if (name == "elu")
    return onnx::EluOp::create(b, r.loc, x, alpha);
  if (name == "softsign")
    return onnx::SoftsignOp::create(b, r.loc, x);
  if (name == "softplus")
    return onnx::SoftplusOp::create(b, r.loc, x);
  return {};
}

/// The functions that the layer names, each with the parameters it takes, or
/// the default ones. None if one does not exist or there are too few.
static std::optional<SmallVector<Activation>>
activationsOf(ArrayAttr names, std::optional<ArrayRef<float>> alphas,
              std::optional<ArrayRef<float>> betas,
              ArrayRef<StringRef> defaults, int64_t directions) {
  struct Known {
    StringRef name;
    bool hasAlpha, hasBeta;
    float alpha, beta;
  };
  static const Known known[] = {{"sigmoid", false, false, 0, 0},
                                {"tanh", false, false, 0, 0},
                                {"relu", false, false, 0, 0},
                                {"affine", true, true, 1, 0},
                                {"leakyrelu", true, false, .01f, 0},
                                {"thresholdedrelu", true, false, 1, 0},
                                {"scaledtanh", true, true, 1, 1},
                                {"hardsigmoid", true, true, .2f, .5f},
                                {"elu", true, false, 1, 0},
                                {"softsign", false, false, 0, 0},
                                {"softplus", false, false, 0, 0}};
  SmallVector<std::string> wanted;
  for (int64_t d = 0; d < directions; ++d)
    for (StringRef name : defaults)
      wanted.push_back(name.str());
  if (names) {
    // RNN's default names two functions for any number of directions.
    if (names.size() < wanted.size())
      return std::nullopt;
    for (auto [to, name] :
         llvm::zip(wanted, names.getAsValueRange<StringAttr>()))
      to = name.str();
  }
  SmallVector<Activation> found;
  size_t nextAlpha = 0, nextBeta = 0;
  for (const std::string &name : wanted) {
    const Known *match = llvm::find_if(known, [&](const Known &each) {
      return each.name == StringRef(name).lower();
    });
    if (match == std::end(known))
      return std::nullopt;
    Activation f{name, match->alpha, match->beta};
    if (match->hasAlpha && alphas && nextAlpha < alphas->size())
      f.alpha = (*alphas)[nextAlpha++];
    if (match->hasBeta && betas && nextBeta < betas->size())
      f.beta = (*betas)[nextBeta++];
    found.push_back(f);
  }
  return found;
}

namespace {
/// The state of one direction after a step; null: zeros.
struct State {
  Value h, c;
};

/// What the kinds of layers do at a step.
template <typename Op> struct Layer;

/// One direction of a layer: its constants, and its step.
template <typename Op> class Direction {
public:
  Direction(Op op, Recurrence &r, int64_t d, ArrayRef<Activation> functions)
      : op(op), r(r), d(d), functions(functions) {}

  /// The product of all inputs with W, with what biases can be added to it.
  Value inputs(Value x);
  State step(Value gates, State before);

  Value activation(size_t i, Value x) {
    if (std::optional<APFloat> clip = op.getClip()) {
      double bound = clip->convertToDouble();
      x = onnx::ClipOp::create(r.b, r.loc, x, r.number(x, -bound),
                               r.number(x, bound));
    }
    return activate(r, functions[i], x);
  }
  /// Gate `g` of values side by side.
  Value gate(Value all, int64_t g, int64_t from = 0) {
    return all ? r.part(all, 1, (g - from) * hidden, (g - from + 1) * hidden)
               : Value();
  }
  /// Elements of this direction of a [D, n] operand; null if left out.
  Value vector(Value v, int64_t from, int64_t to) {
    return onnx::isNone(v) ? Value() : r.part(r.entry(v, d), 0, from, to);
  }

  Op op;
  Recurrence &r;
  int64_t d, hidden = 0;
  ArrayRef<Activation> functions;
  /// R of all gates, or of GRU's first two, and of its last.
  Value recurrent, candidateWeights;
};

/// What LowerRecurrent asks of a kind of layer.
template <> struct Layer<onnx::RNNOp> {
  static constexpr int64_t gates = 1;
  static constexpr StringLiteral defaults[] = {"Tanh"};
};
template <> struct Layer<onnx::GRUOp> {
  static constexpr int64_t gates = 3;
  static constexpr StringLiteral defaults[] = {"Sigmoid", "Tanh"};
};
template <> struct Layer<onnx::LSTMOp> {
  static constexpr int64_t gates = 4;
  static constexpr StringLiteral defaults[] = {"Sigmoid", "Tanh", "Tanh"};
};
} // namespace

template <typename Op> Value Direction<Op>::inputs(Value x) {
  hidden = onnx::rankedType(op.getR()).getDimSize(2);
  int64_t width = Layer<Op>::gates * hidden, together = width;
  // The reset of GRU comes between the state and the last gate's weights.
  if constexpr (std::is_same_v<Op, onnx::GRUOp>) {
    together = 2 * hidden;
    candidateWeights = r.matrix(op.getR(), d, together, width);
  }
  recurrent = r.matrix(op.getR(), d, 0, together);
  Value all = r.matmul(x, r.matrix(op.getW(), d, 0, width));
  Value bias = vector(op.getB(), 0, width);
  if (bias) {
    Value more = vector(op.getB(), width, 2 * width);
    // The bias of GRU's last gate may have to go inside of the reset.
    if constexpr (std::is_same_v<Op, onnx::GRUOp>)
      if (op.getLinearBeforeReset())
        more = r.join(
            {r.part(more, 0, 0, 2 * hidden),
             r.mul(r.part(more, 0, 2 * hidden, width), r.number(more, 0))},
            0);
    all = r.add(all, r.add(bias, more));
  }
  return all;
}

template <> State Direction<onnx::RNNOp>::step(Value gates, State before) {
  return {activation(0, r.add(gates, r.matmul(before.h, recurrent))), Value()};
}

template <> State Direction<onnx::GRUOp>::step(Value gates, State before) {
  Value h = before.h, candidate;
  Value both = r.matmul(h, recurrent);
  Value z = activation(0, r.add(gate(gates, 0), gate(both, 0)));
  Value reset = activation(0, r.add(gate(gates, 1), gate(both, 1)));
  if (op.getLinearBeforeReset()) {
    Value inner = r.add(r.matmul(h, candidateWeights),
                        vector(op.getB(), 5 * hidden, 6 * hidden));
    candidate = r.add(gate(gates, 2), r.mul(reset, inner));
  } else {
    candidate =
        r.add(gate(gates, 2), r.matmul(r.mul(reset, h), candidateWeights));
  }
  candidate = activation(1, candidate);
  Value kept = r.mul(r.sub(r.number(z, 1), z), candidate);
  return {r.add(kept, r.mul(z, h)), Value()};
}

template <> State Direction<onnx::LSTMOp>::step(Value gates, State before) {
  Value all = r.add(gates, r.matmul(before.h, recurrent));
  auto peephole = [&](int64_t i, Value c) {
    return r.mul(c, vector(op.getP(), i * hidden, (i + 1) * hidden));
  };
  Value i = activation(0, r.add(gate(all, 0), peephole(0, before.c)));
  Value forget =
      op.getInputForget()
          ? r.sub(r.number(i, 1), i)
          : activation(0, r.add(gate(all, 2), peephole(2, before.c)));
  Value candidate = activation(1, gate(all, 3));
  Value c = r.add(r.mul(forget, before.c), r.mul(i, candidate));
  Value o = activation(0, r.add(gate(all, 1), peephole(1, c)));
  // The output's function sees the state as it is: only gates are clipped.
  return {r.mul(o, activate(r, functions[2], c)), c};
}

namespace {
template <typename Op> struct LowerRecurrent : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    auto x = onnx::rankedType(op.getX()), weights = onnx::rankedType(op.getR());
    if (!x || !weights || weights.isDynamicDim(2) || weights.isDynamicDim(0))
      return rewriter.notifyMatchFailure(op, "the hidden size is not known");
    bool batchFirst = op.getLayout() == 1;
    int64_t steps = x.getDimSize(batchFirst ? 1 : 0);
    if (ShapedType::isDynamic(steps))
      return rewriter.notifyMatchFailure(
          op, "the number of steps is symbolic: fix it with --shape");
    if (steps == 0 || steps > mostSteps)
      return rewriter.notifyMatchFailure(op, [&](Diagnostic &diagnostic) {
        diagnostic << steps << " steps, where 1 to " << mostSteps
                   << " can be compiled";
      });
    int64_t directions = weights.getDimSize(0);
    auto functions =
        activationsOf(op.getActivationsAttr(), op.getActivationAlpha(),
                      op.getActivationBeta(),
                      SmallVector<StringRef>(std::begin(Layer<Op>::defaults),
                                             std::end(Layer<Op>::defaults)),
                      directions);
    if (!functions)
      return rewriter.notifyMatchFailure(
          op, "activations names a function that does not exist, or not as "
              "many as the layer has");

    Recurrence r(rewriter, op.getLoc());
    Value input = batchFirst ? r.transpose(op.getX(), {1, 0, 2}) : op.getX();
    SmallVector<Value> outputs, lastH, lastC;
    size_t count = functions->size() / directions;
    for (int64_t d = 0; d < directions; ++d) {
      bool backwards = d == 1 || op.getDirection() == "reverse";
      Direction<Op> direction(op, r, d,
                              ArrayRef(*functions).slice(d * count, count));
      Value gates = direction.inputs(input);
      State state = initialState(op, r, d);
      SmallVector<Value> all(steps);
      for (int64_t i = 0; i < steps; ++i) {
        int64_t t = backwards ? steps - 1 - i : i;
        State next = direction.step(r.entry(gates, t), state);
        Value output = next.h;
        // Behind the end of a row its state stays, from either side.
        if (!onnx::isNone(op.getSequenceLens())) {
          Value inside = r.isBefore(t, op.getSequenceLens());
          output = r.choose(inside, next.h, Value());
          next.h = r.choose(inside, next.h, state.h);
          if (next.c)
            next.c = r.choose(inside, next.c, state.c);
        }
        state = next;
        all[t] = r.insertAxes(output, {0, 1});
      }
      outputs.push_back(r.join(all, 0));
      lastH.push_back(r.insertAxes(state.h, 0));
      if (state.c)
        lastC.push_back(r.insertAxes(state.c, 0));
    }
    SmallVector<Value> results{r.join(outputs, 1), r.join(lastH, 0)};
    if (!lastC.empty())
      results.push_back(r.join(lastC, 0));
    if (batchFirst) {
      results[0] = r.transpose(results[0], {2, 0, 1, 3});
      for (Value &last : llvm::drop_begin(results))
        last = r.transpose(last, {1, 0, 2});
    }
    rewriter.replaceOp(op, results);
    return success();
  }

private:
  static State initialState(Op op, Recurrence &r, int64_t d) {
    auto of = [&](Value v) -> Value {
      if (onnx::isNone(v))
        return {};
      return r.entry(op.getLayout() == 1 ? r.transpose(v, {1, 0, 2}) : v, d);
    };
    if constexpr (std::is_same_v<Op, onnx::LSTMOp>)
      return {of(op.getInitialH()), of(op.getInitialC())};
    return {of(op.getInitialH()), Value()};
  }
};
} // namespace

void ingot::populateRecurrentPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerRecurrent<onnx::RNNOp>, LowerRecurrent<onnx::GRUOp>,
               LowerRecurrent<onnx::LSTMOp>>(patterns.getContext());
}
