import COnnxRuntime
import TfastText

/// A model.onnx with the output `probabilities`.
final class OnnxModel: CoreModel, @unchecked Sendable {  // Sessions may be run from any thread.
  private let runtime: OnnxRuntime
  private let session: OpaquePointer
  private let memory: OpaquePointer

  /// - Parameters:
  ///   - threads: how many a call may use; 0 leaves it to onnxruntime, which takes one a core.
  ///   - inputs: the names that the model must have.
  init(path: String, runtime: OnnxRuntime, threads: Int, inputs: [String]) throws(RuntimeError) {
    self.runtime = runtime
    let api = runtime.api
    var (options, session, memory): (OpaquePointer?, OpaquePointer?, OpaquePointer?)
    defer { api.ReleaseSessionOptions(options) }
    try runtime.check(api.CreateSessionOptions(&options))
    let present = try runtime.present(options)
    try runtime.check(api.SetIntraOpNumThreads(present, CInt(clamping: threads)))
    // Threads that wait would take the processor from whatever else it does.
    try runtime.check(
      api.AddSessionConfigEntry(present, "session.intra_op.allow_spinning", "0"))
    try runtime.check(
      api.CreateCpuMemoryInfo(CInt(ORT_ARENA_ALLOCATOR), CInt(ORT_MEMORY_DEFAULT), &memory))
    self.memory = try runtime.present(memory)
    do {
      try runtime.check(api.CreateSession(runtime.environment, path, present, &session))
      self.session = try runtime.present(session)
    } catch {
      api.ReleaseMemoryInfo(memory)
      throw error
    }
    try checkNames(inputs: inputs)
  }

  deinit {
    runtime.api.ReleaseSession(session)
    runtime.api.ReleaseMemoryInfo(memory)
  }

  func probabilities(_ inputs: [ModelInput]) throws(RuntimeError) -> [[Float]] {
    var buffers: [UnsafeMutableRawBufferPointer] = []
    var values: [OpaquePointer?] = []
    defer {
      for value in values { runtime.api.ReleaseValue(value) }
      for buffer in buffers { buffer.deallocate() }
    }
    for input in inputs {
      let buffer = input.values.withBytes { bytes in
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 64)
        copy.copyMemory(from: bytes)
        return copy
      }
      buffers.append(buffer)
      values.append(try tensor(input, buffer))
    }
    return try run(inputs.map(\.name), values)
  }

  private func run(
    _ names: [String], _ values: [OpaquePointer?]
  ) throws(RuntimeError) -> [[Float]] {
    var answer: OpaquePointer?
    defer { runtime.api.ReleaseValue(answer) }
    let status = withCStrings(names) { inputNames in
      withCStrings([probabilitiesName]) { outputNames in
        runtime.api.Run(
          session, nil, inputNames, values, values.count, outputNames, 1, &answer)
      }
    }
    try runtime.check(status)
    return try matrix(runtime.present(answer))
  }

  /// A tensor on memory that must live as long.
  private func tensor(
    _ input: ModelInput, _ buffer: UnsafeMutableRawBufferPointer
  ) throws(RuntimeError) -> OpaquePointer {
    var value: OpaquePointer?
    let shape = input.shape.map(Int64.init)
    try runtime.check(
      runtime.api.CreateTensorWithDataAsOrtValue(
        memory, buffer.baseAddress, buffer.count, shape, shape.count, input.values.onnxType,
        &value))
    return try runtime.present(value)
  }

  private func matrix(_ value: OpaquePointer) throws(RuntimeError) -> [[Float]] {
    let api = runtime.api
    var information: OpaquePointer?
    defer { api.ReleaseTensorTypeAndShapeInfo(information) }
    try runtime.check(api.GetTensorTypeAndShape(value, &information))
    let present = try runtime.present(information)
    var (type, rank): (CInt, Int) = (0, 0)
    try runtime.check(api.GetTensorElementType(present, &type))
    try runtime.check(api.GetDimensionsCount(present, &rank))
    guard type == CInt(ORT_FLOAT), rank == 2 else {
      throw RuntimeError(.model, "\(probabilitiesName) must be float32 of rank 2")
    }
    var shape: [Int64] = [0, 0]
    try runtime.check(api.GetDimensions(present, &shape, rank))
    var data: UnsafeMutableRawPointer?
    try runtime.check(api.GetTensorMutableData(value, &data))
    guard let data else { throw RuntimeError(.model, "\(probabilitiesName) must not be empty") }
    return rows(data, count: Int(shape[0]), length: Int(shape[1]))
  }

  private func checkNames(inputs: [String]) throws(RuntimeError) {
    let api = runtime.api
    let found = try names(api.SessionGetInputCount, api.SessionGetInputName)
    let outputs = try names(api.SessionGetOutputCount, api.SessionGetOutputName)
    try requireNames(inputs: found, wanted: inputs, outputs: outputs)
  }

  private typealias Count = (OpaquePointer, UnsafeMutablePointer<Int>) -> OpaquePointer?
  private typealias Name = (
    OpaquePointer, Int, OpaquePointer, UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
  ) -> OpaquePointer?

  private func names(_ count: Count, _ name: Name) throws(RuntimeError) -> [String] {
    var allocator: OpaquePointer?
    try runtime.check(runtime.api.GetAllocatorWithDefaultOptions(&allocator))
    let present = try runtime.present(allocator)
    var number = 0
    try runtime.check(count(session, &number))
    var names: [String] = []
    for index in 0..<number {
      var text: UnsafeMutablePointer<CChar>?
      try runtime.check(name(session, index, present, &text))
      guard let text else { continue }
      names.append(String(cString: text))
      try runtime.check(runtime.api.AllocatorFree(present, text))
    }
    return names
  }
}

extension TensorValues {
  fileprivate var onnxType: CInt {
    switch self {
    case .int32: CInt(ORT_INT32)
    case .uint8: CInt(ORT_UINT8)
    }
  }
}

/// Hands texts to C, each with a zero after it.
func withCStrings<Result>(
  _ texts: [String], _ body: ([UnsafePointer<CChar>?]) -> Result
) -> Result {
  let copies = texts.map { text in
    let bytes = text.utf8CString
    let buffer = UnsafeMutableBufferPointer<CChar>.allocate(capacity: bytes.count)
    _ = buffer.initialize(from: bytes)
    return buffer
  }
  defer { for copy in copies { copy.deallocate() } }
  return body(copies.map { UnsafePointer($0.baseAddress) })
}
