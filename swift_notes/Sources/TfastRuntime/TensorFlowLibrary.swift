import CTensorFlow
import Glibc
import TfastText

/// TensorFlow, opened.
struct TensorFlowLibrary: @unchecked Sendable {  // Its functions may be called from any thread.
  let functions: TensorFlow

  /// - Parameter path: of `libtensorflow_cc.so.2`; `libtensorflow_framework.so.2` is beside it.
  init(path: String) throws(RuntimeError) {
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    // Operations find each other by names that must be visible to all.
    _ = try DynamicLibrary(path: folder + "libtensorflow_framework.so.2", isGlobal: true)
    let library = try DynamicLibrary(path: path, isGlobal: true)
    let memory = UnsafeMutablePointer<TensorFlow>.allocate(capacity: 1)
    defer { memory.deallocate() }
    if let missing = tfast_find_tensorflow(library.handle, memory) {
      throw RuntimeError(.library, "\(path) has no function \(String(cString: missing))")
    }
    functions = memory.pointee
  }

  /// Calls a function that reports to a status, and throws what it reports.
  func checked<Result>(
    _ kind: RuntimeError.Kind, _ body: (OpaquePointer) -> Result
  ) throws(RuntimeError) -> Result {
    let status = functions.NewStatus()
    defer { functions.DeleteStatus(status) }
    let result = body(status)
    guard functions.GetCode(status) == 0 else {
      let message = String(cString: functions.Message(status))
      throw RuntimeError(kind, "tensorflow: " + message.replacingLineBreaks())
    }
    return result
  }
}
