/// Text as UTF-8. Not `String`: Swift compares strings up to canonical equivalence and cuts them
/// between grapheme clusters; tokens are compared byte by byte and cut between code points.
public typealias Bytes = [UInt8]

extension [UInt8] {
  package init(_ text: StaticString) {
    self = text.withUTF8Buffer { Array($0) }
  }

  /// Adds a part of another text.
  @inline(__always)
  package mutating func append(_ bytes: Span<UInt8>) {
    bytes.withUnsafeBufferPointer { append(contentsOf: $0) }
  }

  package init(_ bytes: Span<UInt8>) {
    self = bytes.withUnsafeBufferPointer { Array($0) }
  }

  /// Adds a code point as UTF-8.
  package mutating func append(codePoint: UInt32) {
    switch codePoint {
    case 0..<0x80:
      append(UInt8(truncatingIfNeeded: codePoint))
    case 0x80..<0x800:
      append(0xC0 | UInt8(truncatingIfNeeded: codePoint >> 6))
      append(continuation(codePoint))
    case 0x800..<0x1_0000:
      append(0xE0 | UInt8(truncatingIfNeeded: codePoint >> 12))
      append(continuation(codePoint >> 6))
      append(continuation(codePoint))
    default:
      append(0xF0 | UInt8(truncatingIfNeeded: codePoint >> 18))
      append(continuation(codePoint >> 12))
      append(continuation(codePoint >> 6))
      append(continuation(codePoint))
    }
  }
}

private func continuation(_ bits: UInt32) -> UInt8 {
  0x80 | UInt8(truncatingIfNeeded: bits & 0x3F)
}

extension Span<UInt8> {
  /// Whether `other` is at `position`.
  @inline(__always)
  package func has(_ other: Bytes, at position: Int) -> Bool {
    guard position >= 0, other.count <= count - position else { return false }
    for offset in other.indices where self[position + offset] != other[offset] { return false }
    return true
  }

  /// Whether the bytes are `other`.
  @inline(__always)
  package func equals(_ other: Span<UInt8>) -> Bool {
    guard count == other.count else { return false }
    for index in indices where self[index] != other[index] { return false }
    return true
  }

  /// The code point that begins at `position`, and how many bytes it has.
  ///
  /// The text is UTF-8; of anything else some code point is read, inside the text.
  @inline(__always)
  package func codePoint(at position: Int) -> (value: UInt32, length: Int) {
    let first = UInt32(self[position])
    if first < 0x80 { return (first, 1) }
    let length = Swift.min(first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4, count - position)
    var value = first & (0x7F >> UInt32(length))
    for index in 1..<length { value = value << 6 | UInt32(self[position + index] & 0x3F) }
    return (value, length)
  }

  /// Where the code point that ends before `position` begins.
  @inline(__always)
  package func start(before position: Int, notBefore lowest: Int = 0) -> Int {
    var start = position - 1
    while start > lowest, self[start] & 0xC0 == 0x80 { start -= 1 }
    return start
  }
}
