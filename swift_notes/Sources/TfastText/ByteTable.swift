/// Distinct texts by number, in the order in which they were added: a hash table that keeps all of
/// its keys in one array, so that 60,000 words are read in milliseconds.
package struct ByteTable: Sendable {
  private var bytes = Bytes()
  private var ends: [UInt32] = []
  // One more than the number of the key; 0 where nothing is. The size is a power of two.
  private var slots: [UInt32]
  private var longest = 0

  package init(capacity: Int = 16) {
    var size = 32
    while size < 2 * capacity { size *= 2 }
    slots = [UInt32](repeating: 0, count: size)
    ends.reserveCapacity(capacity)
  }

  package var count: Int { ends.count }

  /// Bytes of the longest key.
  package var maxLength: Int { longest }

  /// The key of this number.
  package subscript(number: Int) -> Bytes { Array(bytes[range(number)]) }

  /// The number of a key, or nil.
  @inline(__always)
  package func number(of key: Span<UInt8>) -> Int? {
    guard key.count <= longest else { return nil }
    let found = Int(slots[slot(of: key)]) - 1
    return found < 0 ? nil : found
  }

  /// Adds a key; returns its number, and whether it is new.
  @discardableResult
  package mutating func insert(_ key: Span<UInt8>) -> (number: Int, isNew: Bool) {
    if 2 * (count + 1) > slots.count { grow() }
    let slot = self.slot(of: key)
    if slots[slot] != 0 { return (Int(slots[slot]) - 1, false) }
    bytes.append(key)
    ends.append(UInt32(bytes.count))
    slots[slot] = UInt32(count)
    longest = max(longest, key.count)
    return (count - 1, true)
  }

  private func range(_ number: Int) -> Range<Int> {
    (number == 0 ? 0 : Int(ends[number - 1]))..<Int(ends[number])
  }

  /// Where the key is, or the free slot where it belongs.
  @inline(__always)
  private func slot(of key: Span<UInt8>) -> Int {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: hash(key)) & mask
    while slots[slot] != 0 {
      if bytes.span.extracting(range(Int(slots[slot]) - 1)).equals(key) { break }
      slot = (slot + 1) & mask
    }
    return slot
  }

  private mutating func grow() {
    slots = [UInt32](repeating: 0, count: 2 * slots.count)
    let mask = slots.count - 1
    for number in 0..<count {
      var slot = Int(truncatingIfNeeded: hash(bytes.span.extracting(range(number)))) & mask
      while slots[slot] != 0 { slot = (slot + 1) & mask }
      slots[slot] = UInt32(number + 1)
    }
  }
}

/// FNV-1a, its high bits folded onto the low ones that a table uses.
@inline(__always)
private func hash(_ key: Span<UInt8>) -> UInt64 {
  var hash: UInt64 = 0xCBF2_9CE4_8422_2325
  for index in key.indices { hash = (hash ^ UInt64(key[index])) &* 0x100_0000_01B3 }
  return hash ^ hash >> 32
}
