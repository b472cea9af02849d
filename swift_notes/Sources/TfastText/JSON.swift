/// A JSON value. Strings are bytes and objects lists, because two keys that Swift's `String` takes
/// for equal ("Ω" and the sign for ohm) are different here.
package indirect enum JSON: Sendable {
  case null
  case bool(Bool)
  case number(Double)
  case string(Bytes)
  case array([JSON])
  case object([(key: Bytes, value: JSON)])

  /// Reads one JSON text; nil where it is none.
  package init?(parsing text: Bytes) {
    guard let value = JSONReader.read(text) else { return nil }
    self = value
  }

  /// The last value of this key, where this is an object that has it.
  package subscript(key: StaticString) -> JSON? {
    guard case .object(let members) = self else { return nil }
    let key = Bytes(key)
    return members.last { $0.key == key }?.value
  }

  package var members: [(key: Bytes, value: JSON)]? {
    if case .object(let members) = self { return members }
    return nil
  }

  package var elements: [JSON]? {
    if case .array(let elements) = self { return elements }
    return nil
  }

  package var bytes: Bytes? {
    if case .string(let bytes) = self { return bytes }
    return nil
  }

  package var text: String? { bytes.map { String(decoding: $0, as: UTF8.self) } }

  package var number: Double? {
    if case .number(let number) = self { return number }
    return nil
  }

  /// A whole number that Double and Int both hold exactly.
  package var integer: Int? {
    guard let number, number == number.rounded(), abs(number) < 9e15 else { return nil }
    return Int(number)
  }

  package var bool: Bool? {
    if case .bool(let bool) = self { return bool }
    return nil
  }
}

/// A string as JSON writes it, with its quotes.
package func quotedJSON(_ text: Bytes) -> Bytes {
  var quoted: Bytes = [UInt8(ascii: "\"")]
  for byte in text {
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"):
      quoted.append(UInt8(ascii: "\\"))
      quoted.append(byte)
    case 0..<0x20:
      let digits = Bytes("0123456789abcdef")
      quoted += Bytes("\\u00")
      quoted.append(digits[Int(byte >> 4)])
      quoted.append(digits[Int(byte & 15)])
    default:
      quoted.append(byte)
    }
  }
  quoted.append(UInt8(ascii: "\""))
  return quoted
}
