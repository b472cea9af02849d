import COnnxRuntime

/// onnxruntime, opened.
struct OnnxRuntime: @unchecked Sendable {  // Its functions may be called from any thread.
  let api: OrtApi
  let environment: OpaquePointer
  let version: String

  /// - Parameter path: of `libonnxruntime.so.*`.
  init(path: String) throws(RuntimeError) {
    let library = try DynamicLibrary(path: path)
    let function = unsafeBitCast(
      try library.address(of: "OrtGetApiBase"), to: OrtGetApiBaseFunction.self)
    guard let base = function() else {
      throw RuntimeError(.library, "\(path) answers without its functions")
    }
    version = String(cString: base.pointee.GetVersionString())
    guard let api = Self.isKnown(version) ? base.pointee.GetApi(UInt32(ORT_API_VERSION)) : nil
    else {
      throw RuntimeError(
        .library, "\(path) is onnxruntime \(version); needed is 1.\(ORT_API_VERSION) or later")
    }
    self.api = api.pointee
    var environment: OpaquePointer?
    try Self.check(
      self.api, self.api.CreateEnv(CInt(ORT_LOGGING_LEVEL_ERROR), "tfast", &environment),
      .library)
    self.environment = try Self.present(environment)
  }

  /// Throws what a function answers, unless it is success.
  func check(_ answer: OpaquePointer?, _ kind: RuntimeError.Kind = .model) throws(RuntimeError) {
    try Self.check(api, answer, kind)
  }

  /// What a function gave, which is there after success.
  func present(_ pointer: OpaquePointer?) throws(RuntimeError) -> OpaquePointer {
    try Self.present(pointer)
  }

  private static func present(_ pointer: OpaquePointer?) throws(RuntimeError) -> OpaquePointer {
    guard let pointer else { throw RuntimeError(.library, "onnxruntime gave nothing") }
    return pointer
  }

  private static func check(
    _ api: OrtApi, _ answer: OpaquePointer?, _ kind: RuntimeError.Kind
  ) throws(RuntimeError) {
    guard let answer else { return }
    let message = String(cString: api.GetErrorMessage(answer))
    api.ReleaseStatus(answer)
    throw RuntimeError(kind, "onnxruntime: " + message.replacingLineBreaks())
  }

  /// Whether a version is 1.17 or a later one of the same kind.
  static func isKnown(_ version: String) -> Bool {
    let numbers = version.split(separator: ".").prefix(2).map { Int($0) ?? 0 }
    return numbers.count == 2 && numbers[0] == 1 && numbers[1] >= Int(ORT_API_VERSION)
  }
}

extension String {
  /// The same on one line.
  func replacingLineBreaks() -> String {
    split(whereSeparator: \.isNewline).joined(separator: " ")
  }
}
