#!/bin/sh
# Interesting (exit status 1): a module that is valid and has a Softmax whose
# operand is the result of a convolution.
ingot-opt "$1" --mlir-print-op-generic >"$1.generic" 2>/dev/null || exit 0
conv=$(sed -n 's/^ *\(%[0-9]*\) = "onnx.Conv".*/\1/p' "$1.generic")
for value in $conv; do
  grep -q "\"onnx.Softmax\"($value)" "$1.generic" && exit 1
done
exit 0
