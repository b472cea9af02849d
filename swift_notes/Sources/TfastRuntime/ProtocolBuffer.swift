import TfastText

/// Reads the fields of a protocol buffer, without its description.
struct ProtocolBuffer {
  /// A field's content; fixed 32- and 64-bit numbers are passed over.
  enum Value {
    case varint(UInt64)
    case bytes(Bytes)
    case other
  }

  private let bytes: Bytes
  private var position = 0

  init(_ bytes: Bytes) { self.bytes = bytes }

  /// The next field; nil at the end, or where the bytes are none.
  mutating func next() -> (number: Int, value: Value)? {
    guard position < bytes.count, let key = varint() else { return nil }
    let number = Int(truncatingIfNeeded: key >> 3)
    switch key & 7 {
    case 0: return varint().map { (number, .varint($0)) }
    case 1: return skip(8) ? (number, .other) : nil
    case 2:
      guard let length = varint(), length <= UInt64(bytes.count - position) else { return nil }
      let end = position + Int(length)
      defer { position = end }
      return (number, .bytes(Bytes(bytes[position..<end])))
    case 5: return skip(4) ? (number, .other) : nil
    default: return nil
    }
  }

  /// The contents of all fields of this number.
  func messages(_ wanted: Int) -> [Bytes] {
    var reader = self
    var found: [Bytes] = []
    while let (number, value) = reader.next() {
      if number == wanted, case .bytes(let bytes) = value { found.append(bytes) }
    }
    return found
  }

  /// The last number in a field of this number.
  func varint(_ wanted: Int) -> UInt64? {
    var reader = self
    var found: UInt64?
    while let (number, value) = reader.next() {
      if number == wanted, case .varint(let integer) = value { found = integer }
    }
    return found
  }

  private mutating func varint() -> UInt64? {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 64, by: 7) {
      guard position < bytes.count else { return nil }
      let byte = bytes[position]
      position += 1
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
    }
    return nil
  }

  private mutating func skip(_ count: Int) -> Bool {
    guard count <= bytes.count - position else { return false }
    position += count
    return true
  }
}
