//===- Kernel.td -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The kernel dialect: what becomes one piece of machine code, still on tensor
// values. A kernel.func holds linalg.generic, kernel.foreach and heavy ingot
// ops; the graph function launches it. Emitters turn its body into loops.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_DIALECTS_KERNEL_KERNEL_TD
#define INGOT_DIALECTS_KERNEL_KERNEL_TD

include "dialects/onnx/OnnxBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/FunctionInterfaces.td"

def Kernel_Dialect : Dialect {
  let name = "kernel";
  let cppNamespace = "::ingot::kernel";
  let summary = "Kernels with tensor semantics, launches, machine descriptions";
  let dependentDialects = ["::ingot::onnx::OnnxDialect"];
  let useDefaultAttributePrinterParser = 1;
}

def Kernel_DotForm : I32EnumAttr<"DotForm",
    "How the machine multiplies and adds 8-bit integers", [
      I32EnumAttrCase<"lanes", 0>, I32EnumAttrCase<"pairs", 1>,
      I32EnumAttrCase<"vnni", 2>, I32EnumAttrCase<"sdot", 3>,
      I32EnumAttrCase<"smmla", 4>, I32EnumAttrCase<"bytes", 5>,
      I32EnumAttrCase<"words", 6>]> {
  let cppNamespace = "::ingot::kernel";
  let genSpecializedAttr = 0;
}

def Kernel_DotParameter : EnumParameter<Kernel_DotForm> {
  let defaultValue = "::ingot::kernel::DotForm::lanes";
}

def Kernel_MachineAttr : AttrDef<Kernel_Dialect, "Machine"> {
  let mnemonic = "machine";
  let summary = "The machine that code is generated for";
  let description = [{
    Data that passes and emitters decide by, so that none of them asks for a
    target's name. Set on the module by the target named on the command line.
    `masks`: partial vectors load and store under a mask at no cost.
    `laneBroadcast`: a product takes one lane of a register as a factor, so
    that broadcasting loads are to be avoided. Cache sizes are bytes per core.
    `dot`: the instruction that sums products of 8-bit integers in 32 bits:
    `vnni` four products of unsigned by signed (vpdpbusd), `sdot` four and
    `smmla` eight (in 2 x 2 results) of signed by signed; without one, factors
    are widened to 16 bits and `pairs` sums two products (vpmaddwd; unsigned on
    the left), `lanes` one (smlal). `dotIntrinsic` is the LLVM intrinsic that
    does it, of (sums, left, right), or (left, right) for `pairs`; `lanes` needs
    none. `byteIntrinsic`, of (left, right), sums two products of unsigned by
    signed in 16 bits, and saturates (vpmaddubsw); empty where there is none. It
    makes `bytes` of `pairs`, for right factors that cannot make it saturate. `tileIntrinsics`: what the intrinsics of tile registers begin with,
    whose products sum 64 depths of 16 x 16 results of 8-bit integers; empty
    without such registers. `bf16Intrinsic`, of (sums, left, right), adds two
    products of bf16 to sums in f32 (vdpbf16ps); empty where there is none.
    `warp`: a machine of very many threads, so many of which go in step; each
    does one work item of a kernel. 0: a few threads, which share all items.
    `sharedBytes`: what threads of such a machine that form a block share.
    `asyncCopies`: copies from global to shared memory go on by themselves
    (cp.async). `tensorCores`: warps multiply 16 x 8 tiles of f16, bf16 and
    8-bit integers, from factors in shared memory (mma.sync).
  }];
  let parameters = (ins
    StringRefParameter<"name on the command line">:$target,
    StringRefParameter<"LLVM target triple">:$triple,
    StringRefParameter<"LLVM CPU to tune for">:$tune,
    StringRefParameter<"LLVM feature string">:$features,
    "int64_t":$vectorBits,
    "int64_t":$vectorRegisters,
    "bool":$masks,
    "bool":$laneBroadcast,
    "int64_t":$l1,
    "int64_t":$l2,
    Kernel_DotParameter:$dot,
    StringRefParameter<"LLVM intrinsic of the dot form", [{""}]>:$dotIntrinsic,
    StringRefParameter<"prefix of LLVM intrinsics on tiles", [{""}]>:$tileIntrinsics,
    StringRefParameter<"LLVM intrinsic for bf16", [{""}]>:$bf16Intrinsic,
    StringRefParameter<"LLVM intrinsic of pairs of bytes", [{""}]>:$byteIntrinsic,
    DefaultValuedParameter<"int64_t", "0", "threads that go in step">:$warp,
    DefaultValuedParameter<"int64_t", "0", "bytes that blocks share">:$sharedBytes,
    DefaultValuedParameter<"bool", "false", "copies go on by themselves">:$asyncCopies,
    DefaultValuedParameter<"bool", "false", "warps multiply tiles">:$tensorCores
  );
  let assemblyFormat = "`<` struct(params) `>`";
  let extraClassDeclaration = [{
    /// Lanes of a native vector of elements of that many bits.
    int64_t lanes(int64_t bits) const { return getVectorBits() / bits; }
    /// True if `bf16Intrinsic` sums products of those element types: then two
    /// steps of the depth lie side by side in a packed right operand.
    bool dotsBf16(::mlir::Type left, ::mlir::Type right) const {
      return !getBf16Intrinsic().empty() && left.isBF16() && right.isBF16();
    }
    /// Steps of the depth that lie side by side in a packed right operand of
    /// integers.
    int64_t dotDepth() const;
    /// True for a machine whose threads each do one work item.
    bool hasWarps() const { return getWarp() != 0; }
    bool hasTiles() const { return !getTileIntrinsics().empty(); }
    /// Bits of the right factors.
    int64_t dotBits() const;
    /// True if it takes only unsigned (signed) 8-bit integers on the left; the
    /// right ones are always signed.
    bool dotUnsignedLeft() const {
      return getDot() == DotForm::vnni || getDot() == DotForm::pairs ||
             getDot() == DotForm::bytes;
    }
    /// The same machine for products of bytes whose sums of two always fit 16
    /// bits; null if it has no use for that.
    MachineAttr forBytePairs() const;
    bool dotSignedLeft() const {
      return getDot() == DotForm::sdot || getDot() == DotForm::smmla;
    }
  }];
}

class Kernel_Op<string name, list<Trait> traits = []>
    : Op<Kernel_Dialect, name, traits>;

def Kernel_FuncOp : Kernel_Op<"func", [
    IsolatedFromAbove, FunctionOpInterface, OpAsmOpInterface]> {
  let summary = "One kernel";
  let description = [{
    Takes tensors and returns tensors that its launches place in memory. The
    emitters give it the machine-code form `(args, lo, hi, worker)` of
    lib/Runtime/ModelAbi.h.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name,
                       TypeAttrOf<FunctionType>:$function_type,
                       OptionalAttr<StrAttr>:$sym_visibility,
                       OptionalAttr<DictArrayAttr>:$arg_attrs,
                       OptionalAttr<DictArrayAttr>:$res_attrs);
  let regions = (region AnyRegion:$body);
  let builders = [OpBuilder<(ins "::llvm::StringRef":$name,
                                 "::mlir::FunctionType":$type)>];
  let hasCustomAssemblyFormat = 1;
  let extraClassDeclaration = [{
    ::mlir::Region *getCallableRegion() { return &getBody(); }
    ::llvm::ArrayRef<::mlir::Type> getArgumentTypes() {
      return getFunctionType().getInputs();
    }
    ::llvm::ArrayRef<::mlir::Type> getResultTypes() {
      return getFunctionType().getResults();
    }
  }];
}

def Kernel_YieldOp : Kernel_Op<"yield", [Pure, Terminator, ReturnLike]> {
  let summary = "Ends a kernel with its results, or a foreach with none";
  let arguments = (ins Variadic<Onnx_Tensor>:$operands);
  let assemblyFormat = "($operands^ `:` type($operands))? attr-dict";
  let builders = [OpBuilder<(ins), [{ (void)$_state; }]>];
}

def Kernel_LaunchOp : Kernel_Op<"launch", [
    Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Runs a kernel";
  let arguments = (ins FlatSymbolRefAttr:$kernel,
                       Variadic<Onnx_Tensor>:$operands);
  let results = (outs Variadic<Onnx_Tensor>);
  let assemblyFormat = [{
    $kernel `(` $operands `)` attr-dict `:` functional-type($operands, results)
  }];
}

def Kernel_EmptyOp : Kernel_Op<"empty", [Pure]> {
  let summary = "A tensor whose elements are not yet computed";
  let results = (outs Onnx_Tensor:$result);
  let assemblyFormat = "attr-dict `:` type($result)";
}

def Kernel_ViewOp : Kernel_Op<"view", [Pure]> {
  let summary = "The same bytes, from an element offset on, under another shape";
  let description = [{
    Reshape, squeeze, flatten and slices of leading dimensions. Costs nothing:
    memory planning gives the result the operand's place plus the offset.
    `offset` counts elements and may be symbolic.
  }];
  let arguments = (ins Onnx_Tensor:$source, OptionalAttr<Onnx_DimsAttr>:$offset);
  let results = (outs Onnx_Tensor:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `to` type($result)";
}

def Kernel_ExtentOp : Kernel_Op<"extent", [Pure]> {
  let summary = "The run-time value of a symbolic dimension";
  let arguments = (ins Onnx_DimsAttr:$dim);
  let results = (outs Index:$result);
  let assemblyFormat = "$dim attr-dict";
}

def Kernel_ForeachOp : Kernel_Op<"foreach", [
    SingleBlock]> {
  let summary = "A parallel loop nest with an imperative body";
  let description = [{
    For algorithms that are no map and no reduction: scans, sorting, scatter.
    The body runs once per point of `extents`, in any order and in parallel;
    its block arguments are the point's indices, then one handle per init. It
    reads tensors by tensor.extract and the results' own elements by
    kernel.load, and writes results by kernel.store. A result starts as its
    init (kernel.empty: undefined).
  }];
  let arguments = (ins Variadic<Onnx_Tensor>:$inits, Onnx_DimsAttr:$extents);
  let results = (outs Variadic<Onnx_Tensor>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    `in` $extents `inits` `(` $inits `:` type($inits) `)` attr-dict-with-keyword
    $body `->` type($results)
  }];
}

def Kernel_LoadOp : Kernel_Op<"load", []> {
  let summary = "Reads an element of a result of the enclosing foreach";
  let arguments = (ins Onnx_Tensor:$handle, Variadic<Index>:$indices);
  let results = (outs AnyType:$value);
  let assemblyFormat = "$handle `[` $indices `]` attr-dict `:` type($handle) `->` type($value)";
}

def Kernel_StoreOp : Kernel_Op<"store", []> {
  let summary = "Writes an element of a result of the enclosing foreach";
  let arguments = (ins AnyType:$value, Onnx_Tensor:$handle,
                       Variadic<Index>:$indices);
  let assemblyFormat = "$value `,` $handle `[` $indices `]` attr-dict `:` type($value) `,` type($handle)";
}

def Kernel_FaultOp : Kernel_Op<"fault", []> {
  let summary = "Reports a run-time fault when the condition holds";
  let description = [{
    Stores `code` (an IngotFault of lib/Runtime/ModelAbi.h) into the status of
    the run. The body goes on: it must stay in bounds on its own.
  }];
  let arguments = (ins I1:$condition, I64Attr:$code);
  let assemblyFormat = "$condition attr-dict";
}

#endif // INGOT_DIALECTS_KERNEL_KERNEL_TD
