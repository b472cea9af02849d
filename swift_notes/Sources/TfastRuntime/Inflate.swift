import TfastText

/// Decompresses zlib's format (RFC 1950) and what is inside it (RFC 1951).
///
/// - Parameter size: how many bytes it must give; a stream that gives more is not followed.
/// - Returns: nil for anything else.
func inflated(zlib input: Bytes, size: Int) -> Bytes? {
  guard input.count >= 6, input[0] & 15 == 8, input[0] >> 4 <= 7, input[1] & 32 == 0,
    (Int(input[0]) << 8 | Int(input[1])) % 31 == 0
  else { return nil }
  var inflate = Inflate(input: input, position: 2, size: size)
  guard inflate.run(), inflate.output.count == size, let end = inflate.endOfInput,
    end + 4 <= input.count
  else { return nil }
  let sum = input[end..<end + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
  return sum == adler32(inflate.output) ? inflate.output : nil
}

private struct Inflate {
  private(set) var output = Bytes()
  private var bits: BitReader
  private let size: Int

  init(input: Bytes, position: Int, size: Int) {
    bits = BitReader(bytes: input, position: position)
    self.size = size
    // A byte gives 1032 at most.
    output.reserveCapacity(min(size, 1032 * input.count))
  }

  /// Where the compressed data ended, unless it ended too early.
  var endOfInput: Int? { bits.isBeyondEnd ? nil : bits.position }

  /// Decompresses all blocks; whether that went well.
  mutating func run() -> Bool {
    var isLast = false
    while !isLast, !bits.isBeyondEnd {
      isLast = bits.take(1) == 1
      let isRead =
        switch bits.take(2) {
        case 0: copyBlock()
        case 1: readBlock(Self.fixedLengths, Self.fixedDistances)
        case 2: readTables().map { readBlock($0.lengths, $0.distances) } ?? false
        default: false
        }
      guard isRead else { return false }
    }
    return isLast && !bits.isBeyondEnd
  }

  private mutating func copyBlock() -> Bool {
    bits.dropRestOfByte()
    let count = bits.take(16)
    guard bits.take(16) == count ^ 0xFFFF, output.count + count <= size else { return false }
    for _ in 0..<count { output.append(UInt8(truncatingIfNeeded: bits.take(8))) }
    return true
  }

  private mutating func readBlock(_ lengths: HuffmanCode, _ distances: HuffmanCode) -> Bool {
    while !bits.isBeyondEnd {
      guard let symbol = lengths.take(&bits) else { return false }
      switch symbol {
      case 0...255:
        guard output.count < size else { return false }
        output.append(UInt8(symbol))
      case 256: return true
      default:
        guard let length = Self.value(Self.lengthCodes, symbol - 257, &bits),
          let code = distances.take(&bits),
          let distance = Self.value(Self.distanceCodes, code, &bits),
          distance <= output.count, output.count + length <= size
        else { return false }
        // What is copied may overlap what is written.
        for _ in 0..<length { output.append(output[output.count - distance]) }
      }
    }
    return false
  }

  private mutating func readTables() -> (lengths: HuffmanCode, distances: HuffmanCode)? {
    let lengthCount = bits.take(5) + 257
    let distanceCount = bits.take(5) + 1
    let orderCount = bits.take(4) + 4
    var ordered = Bytes(repeating: 0, count: 19)
    for index in Self.order.prefix(orderCount) { ordered[index] = UInt8(bits.take(3)) }
    guard let code = HuffmanCode(lengths: ordered) else { return nil }
    var lengths = Bytes()
    while lengths.count < lengthCount + distanceCount, !bits.isBeyondEnd {
      guard let symbol = code.take(&bits) else { return nil }
      switch symbol {
      case 0...15: lengths.append(UInt8(symbol))
      case 16:
        guard let last = lengths.last else { return nil }
        lengths += repeatElement(last, count: 3 + bits.take(2))
      case 17: lengths += repeatElement(0, count: 3 + bits.take(3))
      default: lengths += repeatElement(0, count: 11 + bits.take(7))
      }
    }
    guard lengths.count == lengthCount + distanceCount,
      let first = HuffmanCode(lengths: Bytes(lengths[..<lengthCount])),
      let second = HuffmanCode(lengths: Bytes(lengths[lengthCount...]))
    else { return nil }
    return (first, second)
  }

  /// The number that a code and the bits after it mean.
  private static func value(
    _ codes: [(base: Int, bits: Int)], _ index: Int, _ reader: inout BitReader
  ) -> Int? {
    guard codes.indices.contains(index) else { return nil }
    return codes[index].base + reader.take(codes[index].bits)
  }

  private static let order = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
  ]
  private static let lengthCodes: [(base: Int, bits: Int)] =
    codes(from: 3, bits: [0, 0, 0, 0] + (0...5).flatMap { repeatElement($0, count: 4) })
    + [(base: 258, bits: 0)]
  private static let distanceCodes: [(base: Int, bits: Int)] =
    codes(from: 1, bits: [0, 0] + (0...13).flatMap { repeatElement($0, count: 2) })

  private static func codes(from first: Int, bits: [Int]) -> [(base: Int, bits: Int)] {
    var base = first
    return bits.map { bits in
      defer { base += 1 << bits }
      return (base, bits)
    }
  }

  private static let fixedLengths =
    HuffmanCode(
      lengths: Bytes(repeating: 8, count: 144) + Bytes(repeating: 9, count: 112)
        + Bytes(repeating: 7, count: 24) + Bytes(repeating: 8, count: 8)) ?? HuffmanCode.empty
  private static let fixedDistances =
    HuffmanCode(lengths: Bytes(repeating: 5, count: 30)) ?? HuffmanCode.empty
}

/// Bits from the lowest one of each byte on; zeros after the end.
private struct BitReader {
  private let bytes: Bytes
  private(set) var position: Int
  private var buffer = 0
  private var count = 0
  private(set) var isBeyondEnd = false

  init(bytes: Bytes, position: Int) {
    self.bytes = bytes
    self.position = position
  }

  mutating func take(_ wanted: Int) -> Int {
    while count < wanted {
      if position < bytes.count {
        buffer |= Int(bytes[position]) << count
        position += 1
      } else {
        isBeyondEnd = true
      }
      count += 8
    }
    let value = buffer & ((1 << wanted) - 1)
    buffer >>= wanted
    count -= wanted
    return value
  }

  mutating func dropRestOfByte() {
    buffer = 0
    count = 0
  }
}

/// A prefix code, made from the lengths of its words.
private struct HuffmanCode {
  static let empty = HuffmanCode(counts: [], symbols: [])

  /// How many words have each length, from 0 bits on.
  private let counts: [Int]
  /// In the order of their words.
  private let symbols: [Int]

  private init(counts: [Int], symbols: [Int]) {
    self.counts = counts
    self.symbols = symbols
  }

  /// - Returns: nil where there are more words than bits can tell apart.
  init?(lengths: Bytes) {
    var counts = [Int](repeating: 0, count: 16)
    for length in lengths { counts[Int(length)] += 1 }
    counts[0] = 0
    var left = 1
    for count in counts.dropFirst() {
      left = 2 * left - count
      guard left >= 0 else { return nil }
    }
    self.counts = counts
    symbols = (1...15).flatMap { length in lengths.indices.filter { lengths[$0] == length } }
  }

  /// The next symbol; nil for bits that mean none.
  func take(_ bits: inout BitReader) -> Int? {
    var (word, first, index) = (0, 0, 0)
    for count in counts.dropFirst() {
      word |= bits.take(1)
      if word - first < count { return symbols[index + word - first] }
      index += count
      first = (first + count) << 1
      word <<= 1
    }
    return nil
  }
}

private func adler32(_ bytes: Bytes) -> UInt32 {
  var (low, high): (UInt32, UInt32) = (1, 0)
  for byte in bytes {
    low = (low + UInt32(byte)) % 65521
    high = (high + low) % 65521
  }
  return high << 16 | low
}
