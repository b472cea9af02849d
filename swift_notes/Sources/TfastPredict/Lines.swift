import TfastText

/// Hands on the lines that come from an open file as soon as they come, some at a time.
///
/// Lines end with "\n" or "\r\n"; the last one may end with the file.
func forEachGroupOfLines(
  _ descriptor: CInt, name: String, _ body: ([Bytes]) throws -> Void
) throws {
  var unfinished = Bytes()
  var failure: (any Error)?
  try readParts(descriptor, name: name, size: 1 << 16) { part in
    var lines: [Bytes] = []
    var start = 0
    for index in part.indices where part[index] == UInt8(ascii: "\n") {
      unfinished.append(part.extracting(start..<index))
      if unfinished.last == UInt8(ascii: "\r") { unfinished.removeLast() }
      lines.append(unfinished)
      unfinished = []
      start = index + 1
    }
    unfinished.append(part.extracting(start..<part.count))
    do { try body(lines) } catch { failure = error }
    return failure == nil
  }
  if let failure { throw failure }
  if !unfinished.isEmpty { try body([unfinished]) }
}
