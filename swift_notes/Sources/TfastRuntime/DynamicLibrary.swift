import Glibc

/// A shared library, open for as long as the program runs: the code of models that were made with
/// it may run on threads of its own.
struct DynamicLibrary: @unchecked Sendable {  // The handle is never written.
  let path: String
  let handle: UnsafeMutableRawPointer

  /// - Parameter isGlobal: whether libraries that are opened later may use its functions.
  init(path: String, isGlobal: Bool = false) throws(RuntimeError) {
    guard let handle = dlopen(path, RTLD_NOW | (isGlobal ? RTLD_GLOBAL : RTLD_LOCAL)) else {
      throw RuntimeError(.library, "cannot open \(path): \(String(cString: dlerror()))")
    }
    self.path = path
    self.handle = handle
  }

  /// The address of a function.
  func address(of name: String) throws(RuntimeError) -> UnsafeMutableRawPointer {
    guard let address = dlsym(handle, name) else {
      throw RuntimeError(.library, "\(path) has no function \(name)")
    }
    return address
  }
}
