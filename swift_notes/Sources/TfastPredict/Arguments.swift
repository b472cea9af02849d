import TfastRuntime

/// What the program was asked for.
struct Arguments {
  static let usage = """
    usage: tfast-predict [options] FOLDER [INPUT ...]

    Classifies texts or images with a model that tfast exported: a portable folder (tfast.json,
    model.onnx or model.tflite) or a SavedModel. Prints a line of JSON for each input, in their order.

    Inputs are texts, or names of image files: PNG or binary PPM (P6) for a portable folder; JPEG,
    PNG, GIF or BMP for a SavedModel. Without any, each line of standard input is one.

    options:
      --check                      answer a portable folder's own examples first
      --batch-size NUMBER          as many inputs at once at most (default 1)
      --threads NUMBER             for one call; 0, the default, leaves it to the library
      --onnxruntime-library FILE   libonnxruntime.so.*; else TFAST_ONNXRUNTIME_LIBRARY, else the
                                   one of python3's onnxruntime
      --litert-library FILE        libLiteRt.so; else TFAST_LITERT_LIBRARY, else the one of
                                   python3's ai-edge-litert
      --tensorflow-library FILE    libtensorflow_cc.so.2; else TFAST_TENSORFLOW_LIBRARY, else the
                                   one of python3's tensorflow

    """

  var folder = ""
  var inputs: [String] = []
  var options = RuntimeOptions()
  var batchSize = 1
  var check = false
  var help = false

  init(_ arguments: [String]) throws {
    var positional: [String] = []
    var rest = arguments[...]
    var onlyPositional = false
    while let argument = rest.popFirst() {
      guard argument.hasPrefix("--"), !onlyPositional else {
        positional.append(argument)
        continue
      }
      switch argument {
      case "--": onlyPositional = true
      case "--help": help = true
      case "--check": check = true
      case "--batch-size": batchSize = try number(argument, &rest, from: 1)
      case "--threads": options.threads = try number(argument, &rest, from: 0)
      case "--onnxruntime-library": options.onnxRuntimeLibrary = try text(argument, &rest)
      case "--litert-library": options.liteRtLibrary = try text(argument, &rest)
      case "--tensorflow-library": options.tensorFlowLibrary = try text(argument, &rest)
      default: throw UsageError(description: "unknown option \(argument); see --help")
      }
    }
    if help { return }
    guard let first = positional.first else {
      throw UsageError(description: "FOLDER must be given; see --help")
    }
    folder = first
    inputs = Array(positional.dropFirst())
  }
}

struct UsageError: Error, CustomStringConvertible { let description: String }

private func text(_ option: String, _ rest: inout ArraySlice<String>) throws -> String {
  guard let value = rest.popFirst() else {
    throw UsageError(description: "\(option) must have a value")
  }
  return value
}

private func number(
  _ option: String, _ rest: inout ArraySlice<String>, from least: Int
) throws -> Int {
  let value = try text(option, &rest)
  guard let number = Int(value), least...1024 ~= number else {
    throw UsageError(
      description: "\(option) must be a whole number from \(least) to 1024, got \(value)")
  }
  return number
}
