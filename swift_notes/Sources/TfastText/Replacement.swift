import Glibc

/// A text to look for.
struct Literal: Sendable {
  let bytes: Bytes
  // The index of a byte that few texts have, where there is one: the search looks for that.
  private let anchor: Int

  init(_ text: StaticString) {
    bytes = Bytes(text)
    anchor = bytes.firstIndex { !isLetterOrSpace($0) } ?? 0
  }

  /// Where it next is in `text`, from `start` on.
  func position(in text: Span<UInt8>, from start: Int) -> Int? {
    var start = start + anchor
    while let found = text.position(of: bytes[anchor], from: start) {
      if text.has(bytes, at: found - anchor) { return found - anchor }
      start = found + 1
    }
    return nil
  }
}

extension Span<UInt8> {
  /// Where this byte next is, from `start` on.
  func position(of byte: UInt8, from start: Int) -> Int? {
    withUnsafeBufferPointer { text in
      guard let base = text.baseAddress, start < text.count,
        let found = memchr(base + start, CInt(byte), text.count - start)
      else { return nil }
      return UnsafeRawPointer(found) - UnsafeRawPointer(base)
    }
  }
}

extension Bytes {
  /// Replaces `old` wherever it is, from the left.
  mutating func replace(_ old: Literal, by new: Bytes) {
    guard var found = old.position(in: span, from: 0) else { return }
    var output = Bytes()
    output.reserveCapacity(count + count / 8)
    var done = 0
    while true {
      output += self[done..<found]
      output += new
      done = found + old.bytes.count
      guard let next = old.position(in: span, from: done) else { break }
      found = next
    }
    output += self[done...]
    self = output
  }
}

private func isLetterOrSpace(_ byte: UInt8) -> Bool {
  byte == space || (byte | 0x20) &- UInt8(ascii: "a") < 26
}
