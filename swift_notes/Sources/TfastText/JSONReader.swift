/// Reads JSON (RFC 8259). Anything else gives nil.
struct JSONReader {
  private let text: Bytes
  private var position = 0
  private var depth = 0

  private init(_ text: Bytes) { self.text = text }

  static func read(_ text: Bytes) -> JSON? {
    var reader = JSONReader(text)
    guard let value = reader.value() else { return nil }
    reader.skipSpace()
    return reader.position == text.count ? value : nil
  }

  private mutating func value() -> JSON? {
    skipSpace()
    // Deeper than any file of ours: recursion must end.
    guard position < text.count, depth < 64 else { return nil }
    depth += 1
    defer { depth -= 1 }
    switch text[position] {
    case UInt8(ascii: "{"): return object()
    case UInt8(ascii: "["): return array()
    case UInt8(ascii: "\""): return string().map(JSON.string)
    case UInt8(ascii: "t"): return word("true").then(.bool(true))
    case UInt8(ascii: "f"): return word("false").then(.bool(false))
    case UInt8(ascii: "n"): return word("null").then(.null)
    default: return number()
    }
  }

  private mutating func object() -> JSON? {
    position += 1
    var members: [(key: Bytes, value: JSON)] = []
    if take("}") { return .object(members) }
    repeat {
      skipSpace()
      guard position < text.count, text[position] == UInt8(ascii: "\""),
        let key = string(), take(":"), let value = value()
      else { return nil }
      members.append((key, value))
    } while take(",")
    return take("}") ? .object(members) : nil
  }

  private mutating func array() -> JSON? {
    position += 1
    var elements: [JSON] = []
    if take("]") { return .array(elements) }
    repeat {
      guard let value = value() else { return nil }
      elements.append(value)
    } while take(",")
    return take("]") ? .array(elements) : nil
  }

  /// A string, at its opening quote.
  private mutating func string() -> Bytes? {
    position += 1
    var bytes = Bytes()
    while position < text.count {
      let start = position
      while position < text.count, text[position] >= 0x20, text[position] != UInt8(ascii: "\""),
        text[position] != UInt8(ascii: "\\")
      {
        position += 1
      }
      bytes += text[start..<position]
      guard position < text.count, text[position] >= 0x20 else { return nil }
      position += 1
      if text[position - 1] == UInt8(ascii: "\"") { return bytes }
      guard appendEscape(to: &bytes) else { return nil }
    }
    return nil
  }

  private mutating func appendEscape(to bytes: inout Bytes) -> Bool {
    guard position < text.count else { return false }
    position += 1
    switch text[position - 1] {
    case UInt8(ascii: "b"): bytes.append(0x08)
    case UInt8(ascii: "f"): bytes.append(0x0C)
    case UInt8(ascii: "n"): bytes.append(0x0A)
    case UInt8(ascii: "r"): bytes.append(0x0D)
    case UInt8(ascii: "t"): bytes.append(0x09)
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"):
      bytes.append(text[position - 1])
    case UInt8(ascii: "u"):
      guard var codePoint = hexadecimal() else { return false }
      if 0xD800..<0xDC00 ~= codePoint, position + 1 < text.count,
        text[position] == UInt8(ascii: "\\"), text[position + 1] == UInt8(ascii: "u")
      {
        position += 2
        guard let low = hexadecimal(), 0xDC00..<0xE000 ~= low else { return false }
        codePoint = 0x1_0000 + (codePoint - 0xD800) << 10 + (low - 0xDC00)
      }
      guard !(0xD800..<0xE000 ~= codePoint) else { return false }
      bytes.append(codePoint: codePoint)
    default: return false
    }
    return true
  }

  private mutating func hexadecimal() -> UInt32? {
    guard position + 4 <= text.count else { return nil }
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let digit = hexadecimalDigit(text[position]) else { return nil }
      value = value << 4 | digit
      position += 1
    }
    return value
  }

  private mutating func number() -> JSON? {
    let start = position
    while position < text.count, isNumberByte(text[position]) { position += 1 }
    let digits = Bytes(text[start..<position])
    guard let first = digits.first, first != UInt8(ascii: "+"), first != UInt8(ascii: ".") else {
      return nil
    }
    return Double(String(decoding: digits, as: UTF8.self)).map(JSON.number)
  }

  private mutating func word(_ expected: StaticString) -> Bool {
    let expected = Bytes(expected)
    guard text.span.has(expected, at: position) else { return false }
    position += expected.count
    return true
  }

  /// Whether this is what comes next, after white space; if so, it is read.
  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard position < text.count, text[position] == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func skipSpace() {
    while position < text.count {
      switch text[position] {
      case 0x20, 0x09, 0x0A, 0x0D: position += 1
      default: return
      }
    }
  }
}

private func isNumberByte(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"),
    UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"):
    return true
  default: return false
  }
}

/// The value of a hexadecimal digit.
package func hexadecimalDigit(_ byte: UInt8) -> UInt32? {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
  case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a")) + 10
  case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A")) + 10
  default: nil
  }
}

extension Bool {
  fileprivate func then(_ value: JSON) -> JSON? { self ? value : nil }
}
