import Glibc

/// Where the library of a Python package may be.
struct LibrarySearch: Sendable {
  /// What to call it in an error, and how to install it.
  let name: String
  /// The environment variable that names the library's file.
  let variable: String
  /// The Python package, and the library's file in it; `*` is anything.
  let package: String
  let pattern: String

  static let onnxRuntime = LibrarySearch(
    name: "onnxruntime", variable: "TFAST_ONNXRUNTIME_LIBRARY", package: "onnxruntime",
    pattern: "capi/libonnxruntime.so.*")
  static let liteRt = LibrarySearch(
    name: "ai-edge-litert", variable: "TFAST_LITERT_LIBRARY", package: "ai_edge_litert",
    pattern: "libLiteRt.so")
  static let tensorFlow = LibrarySearch(
    name: "tensorflow", variable: "TFAST_TENSORFLOW_LIBRARY", package: "tensorflow",
    pattern: "libtensorflow_cc.so.2")

  /// The library's file: what was asked for, else what the environment says, else what python3
  /// finds without importing anything.
  func find(_ wanted: String?) throws(RuntimeError) -> String {
    if let wanted { return wanted }
    if let path = getenv(variable).map({ String(cString: $0) }), !path.isEmpty { return path }
    if let path = askPython() { return path }
    throw RuntimeError(
      .library,
      "no library of \(name): set \(variable) to its file, or pip install \(name) for the "
        + "python3 on the path")
  }

  private func askPython() -> String? {
    let script = """
      import glob, importlib.util as u, os
      spec = u.find_spec('\(package)')
      for folder in (spec.submodule_search_locations or []) if spec else []:
          for path in sorted(glob.glob(os.path.join(glob.escape(folder), '\(pattern)'))):
              print(path)
      """
    guard let pipe = popen("python3 -c \"\(script)\" 2>/dev/null", "r") else { return nil }
    defer { pclose(pipe) }
    var line: UnsafeMutablePointer<CChar>?
    var size = 0
    defer { free(line) }
    let length = getline(&line, &size, pipe)
    guard length > 1, let line else { return nil }
    let bytes = UnsafeRawBufferPointer(start: line, count: length - 1)
    return String(decoding: bytes, as: UTF8.self)
  }
}
