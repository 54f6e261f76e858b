//===- Options.cpp --------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/ingot/Flag.h"
#include "tools/ingot/Messages.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace ingot;
using llvm::StringRef;

namespace {
/// A command, its arguments and what --help says of it.
struct CommandInfo {
  Command command;
  StringRef name, arguments, summary, details;
};

} // namespace

/// Commands that compile when they are given a model.
static constexpr unsigned compiling =
    Compile | Run | Bench | Check | Info | Explain;
/// Commands that need shapes of inputs.
static constexpr unsigned shaping = compiling | Quantize;

static const CommandInfo commands[] = {
    {Compile, "compile", "MODEL [-o FILE]",
     "compile a model to a shared library, or to another form",
     "MODEL is an ONNX file, or a module of any phase in MLIR's form (.mlir).\n"
     "Without -o the file is named after the model, and text goes to standard\n"
     "output."},
    {Run, "run", "MODEL|ARTIFACT [--inputs DIR|FILE.npz]",
     "run a model once; print or save its outputs",
     "DIR holds input_0.pb, input_1.pb, ... in the ONNX test-data format; an\n"
     ".npz file holds arrays by the names of the inputs. An artifact or a\n"
     "--target for AArch64 runs in qemu where the machine is another."},
    {Bench, "bench", "MODEL|ARTIFACT", "time a model on this machine",
     "Inputs are random unless given. Sizes that the model leaves open are 1\n"
     "unless --shape says otherwise. peak_rss_bytes is of the process that\n"
     "runs the model, compile_peak_rss_bytes of the one that compiles it;\n"
     "cpu_ms is the time of all threads per run."},
    {Check, "check", "MODEL", "say whether a model can be compiled",
     "Lists every node that is not supported. Exit status 0: all supported,\n"
     "1: not all, 2: not a model."},
    {Info, "info", "MODEL|ARTIFACT",
     "inputs, outputs, parameters, operations and memory", ""},
    {Explain, "explain", "MODEL|CODE",
     "which kernel each node went to and why; or what a message means",
     "CODE is the code of a message, such as IG1301."},
    {Quantize, "quantize", "MODEL --data DIR|FILE.npz|IMAGES -o FILE.onnx",
     "quantize a model to integers, within a budget of accuracy",
     "Runs the float model on samples, chooses scales from what it sees, and\n"
     "writes an ONNX model with QuantizeLinear and DequantizeLinear nodes.\n"
     "Layers that would lose too much, or be slower, stay in float: the table\n"
     "says which and why. docs/quantization.md is a tutorial."},
};

static std::string setPrecision(Options &o, StringRef value) {
  static const StringRef names[] = {"f32", "f16", "bf16", "auto"};
  o.precision = value.str();
  return llvm::is_contained(names, value) ? ""
                                          : "must be f32, f16, bf16 or auto";
}

static std::string setFp32Products(Options &o, StringRef value) {
  static const StringRef names[] = {"exact", "tf32", "bf16x3", "bf16x6"};
  o.fp32Products = value.str();
  return llvm::is_contained(names, value)
             ? ""
             : "must be exact, tf32, bf16x3 or bf16x6";
}

static std::string setThreads(Options &o, StringRef value) {
  return setNumber(o.threads, value, 512);
}

static std::string setSeconds(Options &o, StringRef value) {
  if (value.getAsDouble(o.seconds) || !(o.seconds >= 0 && o.seconds <= 86400))
    return "must be a number of seconds from 0 to 86400";
  return "";
}

static std::string setNamedInput(Options &o, StringRef value) {
  o.namedInputs.push_back(value.str());
  auto [name, file] = value.split('=');
  return name.empty() || file.empty() ? "must be NAME=FILE" : "";
}

static const Flag flags[] = {
    {"output", 'o', "FILE", "where to write; - is standard output",
     Compile | Quantize,
     [](Options &o, StringRef v) { return setText(o.output, v); }},
    {"emit", 0, "FORM",
     "so (default), a, obj, asm, ptx, cubin, llvm, or the\n"
     "IR after a phase: onnx, graph, tensor, kernel,\n"
     "memory, loops (or mlir: what LLVM IR is made of).\n"
     "Without it the ending of -o decides",
     Compile, [](Options &o, StringRef v) { return setText(o.emit, v); }},
    {"target", 0, "TARGET",
     "host (default), x86-64-v3, x86-64-v4,\n"
     "aarch64[+dotprod+i8mm+fp16+bf16], sm_75 to sm_120,\n"
     "or several in one file: x86-64-v4,sm_80,sm_90a;\n"
     "check takes all",
     compiling, [](Options &o, StringRef v) { return setText(o.target, v); }},
    {"ptxas", 0, "auto|off|FILE",
     "NVIDIA's assembler, which adds machine code to the\n"
     "PTX of GPUs; auto (default): if it is installed",
     compiling, [](Options &o, StringRef v) { return setText(o.ptxas, v); }},
    {"cpu", 0, "NAME", "the processor to tune for, as LLVM names it", compiling,
     [](Options &o, StringRef v) { return setText(o.cpu, v); }},
    {"precision", 0, "TYPE",
     "f32 (default), f16, bf16 or auto: what weights and\n"
     "values of f32 are stored as; sums, inputs and\n"
     "outputs stay f32",
     compiling, setPrecision},
    {"fp32-products", 0, "TYPE",
     "exact (default), or what tensor cores of GPUs take\n"
     "f32 factors as: tf32 (11 bits), bf16x3 or bf16x6\n"
     "(two or three parts of 8 bits); sums stay f32",
     compiling, setFp32Products},
    {"calibration-data", 0, "DIR|FILE.npz",
     "samples that show which values f16 cannot hold, as\n"
     "'ingot quantize --data' takes them",
     compiling,
     [](Options &o, StringRef v) { return setText(o.calibrationData, v); }},
    {"shape", 0, "NAME:DIMS|SYMBOL=N",
     "fix the shape of an input (x:1x3x224x224) or the\n"
     "size of a symbol (N=4); for an artifact, of what it\n"
     "runs on. May be repeated",
     shaping,
     [](Options &o, StringRef v) -> std::string {
       o.shapes.push_back(v.str());
       return v.empty() ? "must not be empty" : "";
     }},
    {"inputs", 0, "DIR|FILE.npz", "the inputs", Run | Bench,
     [](Options &o, StringRef v) { return setText(o.inputs, v); }},
    {"input", 0, "NAME=FILE", "one input, from an .npy or .pb file",
     Run | Bench, setNamedInput},
    {"random-inputs", 0, "",
     "make up the inputs that are not given: normal\n"
     "floats, 8-bit integers of any value, others 0 or 1",
     Run | Bench,
     [](Options &o, StringRef) -> std::string {
       o.randomInputs = true;
       return "";
     }},
    {"seed", 0, "N", "where random inputs start (default 0)",
     Run | Bench | Quantize,
     [](Options &o, StringRef v) -> std::string {
       return v.getAsInteger(10, o.seed) ? "must be a number of 64 bits" : "";
     }},
    {"outputs", 0, "DIR|FILE.npz", "where to save the outputs", Run,
     [](Options &o, StringRef v) { return setText(o.outputs, v); }},
    {"threads", 0, "N", "threads that compile (default: all)", Compile,
     setThreads},
    {"threads", 0, "N",
     "threads that run the model (default: as many as the\n"
     "process may use)",
     Run | Bench, setThreads},
    {"compile-threads", 0, "N", "threads that compile (default: all)",
     Run | Bench | Check | Info | Explain | Quantize,
     [](Options &o, StringRef v) {
       return setNumber(o.compileThreads, v, 512);
     }},
    {"qemu-cpu", 0, "NAME", "the processor qemu stands for", Run,
     [](Options &o, StringRef v) { return setText(o.qemuCpu, v); }},
    {"no-fallback", 0, "",
     "fail where the best target of a file cannot run,\n"
     "instead of taking the next one with a warning",
     Run | Bench,
     [](Options &o, StringRef) -> std::string {
       o.noFallback = true;
       return "";
     }},
    {"runs", 0, "N", "runs to time (default: as many as fit --seconds)", Bench,
     [](Options &o, StringRef v) { return setNumber(o.runs, v, 1000000000); }},
    {"seconds", 0, "S", "about how long to time (default 1)", Bench,
     setSeconds},
    {"profile", 0, "", "also the time of every kernel launch", Bench,
     [](Options &o, StringRef) -> std::string {
       o.profile = true;
       return "";
     }},
    {"compression", 0, "",
     "instead: sizes of the weights as floats and\n"
     "integers, their entropy and sparsity",
     Info,
     [](Options &o, StringRef) -> std::string {
       o.compression = true;
       return "";
     }},
    {"allow-hard-links", 0, "",
     "accept external data in files with several hard\n"
     "links",
     shaping,
     [](Options &o, StringRef) -> std::string {
       o.allowHardLinks = true;
       return "";
     }},
    {"json", 0, "FILE", "write a report for scripts; - is standard output",
     shaping, [](Options &o, StringRef v) { return setText(o.json, v); }},
    {"quiet", 'q', "", "no progress and no summary", shaping,
     [](Options &o, StringRef) -> std::string {
       o.quiet = true;
       return "";
     }},
};

/// All flags: these, and those of quantize, which are a table of their own.
static const std::vector<Flag> &allFlags() {
  static const std::vector<Flag> all = [] {
    std::vector<Flag> list(std::begin(flags), std::end(flags));
    llvm::append_range(list, quantizeFlags());
    return list;
  }();
  return all;
}

std::string ingot::suggestion(StringRef word, llvm::ArrayRef<StringRef> names) {
  StringRef best;
  unsigned least = unsigned(word.size()) / 3 + 1;
  for (StringRef name : names) {
    unsigned distance = word.edit_distance(name, true, least);
    if (distance <= least && (best.empty() || distance < least)) {
      best = name;
      least = distance;
    }
  }
  return best.empty() ? "" : " (did you mean '" + best.str() + "'?)";
}

/// Two columns: `left`, and the lines of `right` beside it.
static std::string columns(StringRef left, StringRef right) {
  const std::string margin(28, ' ');
  std::string text = "  " + left.str();
  text +=
      text.size() < margin.size() ? margin.substr(text.size()) : "\n" + margin;
  for (; !right.empty(); right = right.split('\n').second)
    text += right.split('\n').first.str() +
            (right.contains('\n') ? "\n" + margin : "");
  return text + "\n";
}

static std::string helpAll() {
  std::string text = "Compiles ONNX models to small native libraries.\n\n"
                     "usage: ingot COMMAND ... [flags]\n\ncommands:\n";
  for (const CommandInfo &info : commands)
    text += columns((info.name + " " + info.arguments.split(' ').first).str(),
                    info.summary);
  return text + "\n'ingot COMMAND --help' lists the flags of a command,\n"
                "'ingot --version' prints the version.\n";
}

static std::string helpOf(const CommandInfo &info) {
  std::string text = ("usage: ingot " + info.name + " " + info.arguments +
                      " [flags]\n\n" + info.name + ": " + info.summary + ".\n")
                         .str();
  if (!info.details.empty())
    text += info.details.str() + "\n";
  text += "\nflags:\n";
  for (const Flag &flag : allFlags()) {
    if (!(flag.commands & info.command))
      continue;
    std::string left;
    if (flag.letter)
      left = std::string("-") + flag.letter + ", ";
    left += "--" + flag.name.str();
    if (!flag.value.empty())
      left += "=" + flag.value.str();
    text += columns(left, flag.help);
  }
  return text;
}

static const CommandInfo *findCommand(StringRef name) {
  const auto *it = llvm::find_if(
      commands, [&](const CommandInfo &info) { return info.name == name; });
  return it == std::end(commands) ? nullptr : it;
}

/// The flag of that name (without dashes) that the command takes.
static const Flag *findFlag(StringRef name, Command command) {
  for (const Flag &flag : allFlags())
    if ((flag.commands & command) &&
        (flag.name == name || (name.size() == 1 && flag.letter == name[0])))
      return &flag;
  return nullptr;
}

static llvm::Error unknownFlag(StringRef word, const CommandInfo &info) {
  std::string dashes = word.take_while([](char c) { return c == '-'; }).str();
  std::vector<StringRef> names;
  std::string others;
  StringRef name = word.drop_while([](char c) { return c == '-'; });
  for (const Flag &flag : allFlags()) {
    if (flag.commands & info.command)
      names.push_back(flag.name);
    else if (flag.name == name)
      for (const CommandInfo &other : commands)
        if (other.command & flag.commands)
          others += (others.empty() ? "'" : ", '") + other.name.str() + "'";
  }
  std::string text = "unknown flag " + quoted(dashes + name.str()) + " of '" +
                     info.name.str() + "'";
  if (!others.empty())
    return failure(6003, text + "; it is one of " + others);
  std::string near = suggestion(name, names);
  size_t quote = near.find('\'');
  if (quote != std::string::npos)
    near.insert(quote + 1, "--");
  return failure(6003,
                 text + near + "; see 'ingot " + info.name.str() + " --help'");
}

/// Takes a flag at words[i], and its value there or in the next word.
static llvm::Error takeFlag(llvm::ArrayRef<const char *> words, size_t &i,
                            const CommandInfo &info, Options &options) {
  StringRef word = words[i];
  auto [name, value] =
      word.drop_front(word.starts_with("--") ? 2 : 1).split('=');
  bool hasValue = word.contains('=');
  // -oFILE
  if (!word.starts_with("--") && name.size() > 1 && !hasValue &&
      findFlag(name.take_front(), info.command)) {
    value = name.drop_front();
    name = name.take_front();
    hasValue = true;
  }
  const Flag *flag = findFlag(name, info.command);
  if (!flag || (!word.starts_with("--") && name.size() > 1))
    return unknownFlag(word.split('=').first, info);
  std::string spelled = "--" + flag->name.str();
  if (flag->value.empty() && hasValue)
    return failure(6004, "flag '" + spelled + "' takes no value");
  if (!flag->value.empty() && !hasValue) {
    if (i + 1 == words.size())
      return failure(6004, "flag '" + spelled + "' needs a value: " + spelled +
                               "=" + flag->value.str());
    value = words[++i];
  }
  std::string wrong = flag->set(options, value);
  if (!wrong.empty())
    return failure(6004, "flag '" + spelled + "' " + wrong + ", not " +
                             quoted(value));
  return llvm::Error::success();
}

llvm::Expected<CommandLine>
ingot::parseCommandLine(llvm::ArrayRef<const char *> words) {
  CommandLine line;
  if (words.empty())
    return failure(6005, "no command given; see 'ingot --help'");
  StringRef first = words[0];
  if (first == "--version") {
    line.text = "ingot " INGOT_VERSION "\n";
    return line;
  }
  if (first == "--help" || first == "-h" || first == "help") {
    const CommandInfo *info =
        first == "help" && words.size() > 1 ? findCommand(words[1]) : nullptr;
    line.text = info ? helpOf(*info) : helpAll();
    return line;
  }
  const CommandInfo *info = findCommand(first);
  if (!info) {
    std::vector<StringRef> names;
    for (const CommandInfo &each : commands)
      names.push_back(each.name);
    return failure(6002, "unknown command " + quoted(first) +
                             suggestion(first, names) + "; see 'ingot --help'");
  }
  line.options.command = info->command;
  bool flagsEnd = false;
  std::vector<StringRef> arguments;
  for (size_t i = 1; i < words.size(); ++i) {
    StringRef word = words[i];
    if (flagsEnd || !word.starts_with("-") || word == "-") {
      arguments.push_back(word);
    } else if (word == "--") {
      flagsEnd = true;
    } else if (word == "--help" || word == "-h") {
      line.text = helpOf(*info);
      return line;
    } else if (llvm::Error error = takeFlag(words, i, *info, line.options)) {
      return error;
    }
  }
  StringRef what = info->arguments.split(' ').first;
  if (arguments.empty() || arguments[0].empty())
    return failure(6005, "no " + what + " given: ingot " + info->name + " " +
                             info->arguments);
  if (arguments.size() > 1)
    return failure(6005, "one " + what + " is enough: what is " +
                             quoted(arguments[1]) + "?");
  line.options.subject = arguments[0].str();
  return line;
}
