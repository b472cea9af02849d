import Glibc

/// A file that cannot be read or written.
package struct FileError: Error, CustomStringConvertible, Sendable {
  package let description: String

  /// What the system says about its last failed call.
  package init(_ path: String) { description = "\(path): \(String(cString: strerror(errno)))" }
}

/// Throws where a file cannot be read.
package func checkFile(_ path: String) throws(FileError) {
  guard access(path, R_OK) == 0 else { throw FileError(path) }
}

/// All of a file.
package func readFile(_ path: String) throws(FileError) -> Bytes {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { throw FileError(path) }
  defer { close(descriptor) }
  return try readAll(descriptor, name: path)
}

/// Hands a file's bytes on, some at a time.
package func readFileInParts(
  _ path: String, _ body: (Span<UInt8>) -> Void
) throws(FileError) {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { throw FileError(path) }
  defer { close(descriptor) }
  try readParts(descriptor, name: path, size: 1 << 18) { part in
    body(part)
    return true
  }
}

/// All that comes from an open file.
package func readAll(_ descriptor: CInt, name: String) throws(FileError) -> Bytes {
  var status = stat()
  let size = fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
  var bytes = Bytes()
  bytes.reserveCapacity(size + 1)
  try readParts(descriptor, name: name, size: max(1 << 16, size + 1)) { part in
    bytes.append(part)
    return true
  }
  return bytes
}

/// Hands on what comes from an open file, some at a time.
///
/// - Parameter body: gets the bytes, and says whether it wants more.
package func readParts(
  _ descriptor: CInt, name: String, size: Int, _ body: (Span<UInt8>) -> Bool
) throws(FileError) {
  let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 16)
  defer { buffer.deallocate() }
  while true {
    let count = read(descriptor, buffer.baseAddress, buffer.count)
    if count < 0, errno == EINTR { continue }
    guard count >= 0 else { throw FileError(name) }
    let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count]).bindMemory(to: UInt8.self)
    guard count > 0, body(bytes.span) else { return }
  }
}

/// Writes all of the bytes.
package func writeAll(_ bytes: Bytes, to descriptor: CInt, name: String) throws(FileError) {
  var done = 0
  while done < bytes.count {
    let count = bytes.withUnsafeBytes {
      write(descriptor, UnsafeRawBufferPointer(rebasing: $0[done...]).baseAddress, $0.count - done)
    }
    if count < 0, errno == EINTR { continue }
    guard count > 0 else { throw FileError(name) }
    done += count
  }
}
