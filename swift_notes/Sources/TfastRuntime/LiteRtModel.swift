import CLiteRt
import Glibc
import Synchronization
import TfastText

/// A model.tflite with the output `probabilities`.
///
/// LiteRT keeps a model's tensors from call to call, so callers wait for each other.
final class LiteRtModel: CoreModel, @unchecked Sendable {  // Run by one thread at a time.
  /// What the last call left.
  private struct State {
    /// Shapes of the inputs, in the signature's order; none after a call that failed.
    var shapes: [[Int]] = []
    /// The most rows that were ever asked for: so many the memory for an answer has.
    ///
    /// LiteRT does not tell the size that an answer will have (issue #5774), and after a call that
    /// failed it wants room for as many rows as there were before ("Custom allocation is too small").
    var rows = 0
  }

  private let library: LiteRtLibrary
  private let model: OpaquePointer
  private let compiled: OpaquePointer
  private let signature: LiteRtSignature
  private let state = Mutex(State())

  /// LiteRT does not check a file's content: one that is damaged may end the program. So its
  /// SHA-256 must be checked before.
  ///
  /// - Parameters:
  ///   - threads: how many a call may use; 0 leaves it to LiteRT.
  ///   - inputs: the names that the model must have.
  init(path: String, library: LiteRtLibrary, threads: Int, inputs: [String]) throws(RuntimeError) {
    self.library = library
    let functions = library.functions
    var model: OpaquePointer?
    try library.check(
      functions.CreateModelFromFile(library.environment, path, &model), "loading \(path)")
    self.model = try library.present(model)
    do {
      signature = try LiteRtSignature(of: self.model, in: library, wanted: inputs)
      compiled = try Self.compile(self.model, library, threads: threads)
    } catch {
      functions.DestroyModel(self.model)
      throw error
    }
  }

  deinit {
    library.functions.DestroyCompiledModel(compiled)
    library.functions.DestroyModel(model)
  }

  func probabilities(_ inputs: [ModelInput]) throws(RuntimeError) -> [[Float]] {
    var ordered: [ModelInput] = []
    for (name, type) in signature.inputs {
      guard let input = inputs.first(where: { $0.name == name }), input.values.liteRtType == type,
        input.shape.count <= Int(LITERT_MAX_RANK)
      else { throw RuntimeError(.model, "the model's input \(name) has another type") }
      ordered.append(input)
    }
    let count = ordered.first?.shape.first ?? 0
    return try state.withLock { state throws(RuntimeError) in
      let shapes = state.shapes
      state = State(shapes: [], rows: max(state.rows, count))
      try resize(ordered, from: shapes)
      let answer = try run(ordered, count: count, rows: state.rows)
      state.shapes = ordered.map(\.shape)
      return answer
    }
  }

  private func resize(_ inputs: [ModelInput], from shapes: [[Int]]) throws(RuntimeError) {
    for (index, input) in inputs.enumerated()
    where !shapes.indices.contains(index) || shapes[index] != input.shape {
      let shape = input.shape.map { CInt(clamping: $0) }
      try check(
        library.functions.CompiledModelResizeInputTensor(
          compiled, signature.number, index, shape, shape.count),
        "making \(input.name) of shape \(input.shape)")
    }
  }

  private func run(
    _ inputs: [ModelInput], count: Int, rows rowCount: Int
  ) throws(RuntimeError) -> [[Float]] {
    var buffers: [OpaquePointer?] = []
    defer { for case let buffer? in buffers { library.functions.DestroyTensorBuffer(buffer) } }
    for input in inputs {
      buffers.append(try buffer(input))
    }
    let output = try buffer(
      CInt(LITERT_FLOAT32), [count, signature.classes], bytes: 4 * rowCount * signature.classes)
    buffers.append(output)
    var outputs: [OpaquePointer?] = [output]
    try check(
      library.functions.RunCompiledModel(
        compiled, signature.number, inputs.count, &buffers, 1, &outputs),
      "running the model")
    return try withMemory(output, CInt(LITERT_LOCK_READ)) { memory in
      rows(memory, count: count, length: signature.classes)
    }
  }

  private func buffer(_ input: ModelInput) throws(RuntimeError) -> OpaquePointer {
    let count = input.values.withBytes(\.count)
    let buffer = try buffer(input.values.liteRtType, input.shape, bytes: count)
    try withMemory(buffer, CInt(LITERT_LOCK_WRITE)) { memory in
      input.values.withBytes { bytes in
        UnsafeMutableRawBufferPointer(start: memory, count: count).copyMemory(from: bytes)
      }
    }
    return buffer
  }

  private func buffer(
    _ type: CInt, _ shape: [Int], bytes: Int
  ) throws(RuntimeError) -> OpaquePointer {
    var type = tfast_litert_type(type, shape.map { CInt(clamping: $0) }, shape.count)
    var buffer: OpaquePointer?
    try check(
      library.functions.CreateManagedTensorBuffer(
        library.environment, CInt(LITERT_HOST_MEMORY), &type, bytes, &buffer),
      "getting \(bytes) bytes")
    return try library.present(buffer)
  }

  private func withMemory<Result>(
    _ buffer: OpaquePointer, _ mode: CInt, _ body: (UnsafeMutableRawPointer) -> Result
  ) throws(RuntimeError) -> Result {
    var memory: UnsafeMutableRawPointer?
    try check(library.functions.LockTensorBuffer(buffer, &memory, mode), "opening a tensor")
    let result = body(try library.present(memory))
    try check(library.functions.UnlockTensorBuffer(buffer), "closing a tensor")
    return result
  }

  private func check(_ status: CInt, _ work: String) throws(RuntimeError) {
    try library.check(status, work, details: errorMessages())
  }

  /// What LiteRT kept of errors.
  private func errorMessages() -> String {
    var text: UnsafeMutablePointer<CChar>?
    guard library.functions.CompiledModelGetErrorMessages(compiled, &text) == 0, let text else {
      return ""
    }
    defer { free(text) }
    _ = library.functions.CompiledModelClearErrors(compiled)
    return String(cString: text)
  }

  private static func compile(
    _ model: OpaquePointer, _ library: LiteRtLibrary, threads: Int
  ) throws(RuntimeError) -> OpaquePointer {
    var options: OpaquePointer?
    let status = withUnsafePointer(to: library.functions) { functions in
      tfast_litert_options(functions, CInt(clamping: threads), &options)
    }
    try library.check(status, "setting options")
    let present = try library.present(options)
    defer { library.functions.DestroyOptions(present) }
    var compiled: OpaquePointer?
    try library.check(
      library.functions.CreateCompiledModel(library.environment, model, present, &compiled),
      "compiling the model")
    return try library.present(compiled)
  }
}

extension TensorValues {
  fileprivate var liteRtType: CInt {
    switch self {
    case .int32: CInt(LITERT_INT32)
    case .uint8: CInt(LITERT_UINT8)
    }
  }
}
