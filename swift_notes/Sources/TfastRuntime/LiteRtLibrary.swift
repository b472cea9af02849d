import CLiteRt
import Glibc

/// LiteRT, opened.
struct LiteRtLibrary: @unchecked Sendable {  // Its functions may be called from any thread.
  let functions: LiteRt
  /// There as long as the program runs.
  let environment: OpaquePointer

  /// - Parameter path: of `libLiteRt.so`.
  init(path: String) throws(RuntimeError) {
    let library = try DynamicLibrary(path: path)
    let memory = UnsafeMutablePointer<LiteRt>.allocate(capacity: 1)
    defer { memory.deallocate() }
    if let missing = tfast_find_litert(library.handle, memory) {
      throw RuntimeError(
        .library,
        "\(path) has no function \(String(cString: missing)); needed is LiteRT 2.1.6 or later")
    }
    functions = memory.pointee
    var environment: OpaquePointer?
    try Self.check(tfast_litert_environment(memory, &environment), "starting", .library)
    self.environment = try Self.present(environment)
  }

  /// Throws where a function tells another status than success.
  ///
  /// - Parameters:
  ///   - work: what was tried, as "loading the model".
  ///   - details: what LiteRT says of it, if anything.
  func check(
    _ status: CInt, _ work: String, details: @autoclosure () -> String = ""
  ) throws(RuntimeError) {
    try Self.check(status, work, .model, details: details())
  }

  /// What a function gave, which is there after success.
  func present<Value>(_ value: Value?) throws(RuntimeError) -> Value { try Self.present(value) }

  private static func present<Value>(_ value: Value?) throws(RuntimeError) -> Value {
    guard let value else { throw RuntimeError(.library, "LiteRT gave nothing") }
    return value
  }

  private static func check(
    _ status: CInt, _ work: String, _ kind: RuntimeError.Kind,
    details: @autoclosure () -> String = ""
  ) throws(RuntimeError) {
    guard status != 0 else { return }
    let details = details().replacingLineBreaks()
    let message = "LiteRT: \(work) failed with status \(status)"
    throw RuntimeError(kind, details.isEmpty ? message : "\(message): \(details)")
  }
}
