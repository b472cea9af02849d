/// A set of code points.
package struct CharacterClass: Sendable {
  // One bit for each ASCII character: the common case.
  private var ascii: (low: UInt64, high: UInt64) = (0, 0)
  // Of all others: first and last code point of each range, in order, without overlap.
  private var firsts: [UInt32] = []
  private var lasts: [UInt32] = []

  /// - Parameter ranges: in any order; they may overlap.
  package init(_ ranges: [ClosedRange<UInt32>]) {
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      var first = range.lowerBound
      while first < 128, first <= range.upperBound {
        if first < 64 { ascii.low |= 1 << first } else { ascii.high |= 1 << (first - 64) }
        first += 1
      }
      guard first <= range.upperBound else { continue }
      if let last = lasts.last, first <= last + 1 {
        lasts[lasts.count - 1] = max(last, range.upperBound)
      } else {
        firsts.append(first)
        lasts.append(range.upperBound)
      }
    }
  }

  /// Reads a list like `\x{61}-\x{7a}\x{e9}`; nil where it is none.
  package init?(parsing text: Bytes) {
    var ranges: [ClosedRange<UInt32>] = []
    var position = 0
    while position < text.count {
      guard let first = hexadecimal(text, &position) else { return nil }
      var last = first
      if position < text.count, text[position] == UInt8(ascii: "-") {
        position += 1
        guard let end = hexadecimal(text, &position), end >= first else { return nil }
        last = end
      }
      ranges.append(first...last)
    }
    self.init(ranges)
  }

  /// This set and another.
  package func union(_ other: CharacterClass) -> CharacterClass {
    CharacterClass(ranges + other.ranges)
  }

  @inline(__always)
  package func contains(_ codePoint: UInt32) -> Bool {
    if codePoint < 64 { return ascii.low >> codePoint & 1 == 1 }
    if codePoint < 128 { return ascii.high >> (codePoint - 64) & 1 == 1 }
    return containsRare(codePoint)
  }

  private func containsRare(_ codePoint: UInt32) -> Bool {
    var (low, high) = (0, firsts.count)
    while low < high {
      let middle = (low + high) / 2
      if lasts[middle] < codePoint { low = middle + 1 } else { high = middle }
    }
    return low < firsts.count && firsts[low] <= codePoint
  }

  private var ranges: [ClosedRange<UInt32>] {
    (0..<128).filter { contains($0) }.map { $0...$0 } + zip(firsts, lasts).map { $0...$1 }
  }
}

/// Reads `\x{61}` at `position`, which moves on.
private func hexadecimal(_ text: Bytes, _ position: inout Int) -> UInt32? {
  guard text.span.has(Bytes("\\x{"), at: position) else { return nil }
  position += 3
  var value: UInt32 = 0
  let start = position
  while position < text.count, let digit = hexadecimalDigit(text[position]) {
    guard position - start < 6 else { return nil }
    value = value << 4 | digit
    position += 1
  }
  guard position > start, position < text.count, text[position] == UInt8(ascii: "}"),
    value <= 0x10_FFFF
  else { return nil }
  position += 1
  return value
}
