let space = UInt8(ascii: " ")

/// What Python's `str.isspace` takes for white space.
@inline(__always)
func isWhiteSpace(_ codePoint: UInt32) -> Bool {
  switch codePoint {
  case 0x09...0x0D, 0x1C...0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028...0x2029, 0x202F,
    0x205F, 0x3000:
    true
  default: false
  }
}

extension Span<UInt8> {
  /// How many bytes of white space, if any, begin at `position`: one character.
  @inline(__always)
  func whiteSpaceLength(at position: Int) -> Int {
    let byte = self[position]
    if byte < 0x80 { return isWhiteSpace(UInt32(byte)) ? 1 : 0 }
    // All others begin with one of these bytes.
    guard byte == 0xC2 || byte == 0xE1 || byte == 0xE2 || byte == 0xE3 else { return 0 }
    let (codePoint, length) = codePoint(at: position)
    return isWhiteSpace(codePoint) ? length : 0
  }

  /// The range of the text without white space at either end.
  func rangeWithoutOuterWhiteSpace() -> Range<Int> {
    var (low, high) = (0, count)
    while low < high {
      let length = whiteSpaceLength(at: low)
      if length == 0 { break }
      low += length
    }
    while low < high {
      let start = start(before: high, notBefore: low)
      if whiteSpaceLength(at: start) != high - start { break }
      high = start
    }
    return low..<high
  }
}
