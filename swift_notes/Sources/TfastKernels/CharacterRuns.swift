/// The rule `replace_rep` of fastai and tfast on a batch of texts: a character three times or
/// more becomes " xxrep count character ".
///
/// Nothing is decoded where no character repeats. What repeats may be any character but white
/// space. Bytes that are no UTF-8 are left alone, as in tfast, except in a run of three or more
/// non-ASCII characters: there they become U+FFFD, also as in tfast.
///
/// - Parameters:
///   - texts: `count` addresses of UTF-8 bytes.
///   - lengths: `count` numbers of bytes.
///   - count: how many texts.
///   - output: room for the results, one after another; `tfast_mark_character_runs_room` of the
///     sum of the lengths is always enough.
///   - room: its size in bytes.
///   - ends: room for `count` numbers: where in `output` each result ends.
/// - Returns: a `KernelStatus`.
@c(tfast_mark_character_runs)
public func markCharacterRuns(
  _ texts: UnsafePointer<UnsafePointer<UInt8>>, _ lengths: UnsafePointer<Int>, _ count: Int,
  _ output: UnsafeMutablePointer<UInt8>, _ room: Int, _ ends: UnsafeMutablePointer<Int>
) -> Int32 {
  guard count >= 0, room >= 0 else { return KernelStatus.badSize }
  var total = 0
  for i in 0..<count {
    guard lengths[i] >= 0, lengths[i] < Int.max / 8 - total else { return KernelStatus.badOffsets }
    total += lengths[i]
  }
  guard room >= markCharacterRunsRoom(total) else { return KernelStatus.outputTooSmall }
  var writer = ByteWriter(start: output)
  for i in 0..<count {
    markRuns(UnsafeBufferPointer(start: texts[i], count: lengths[i]), into: &writer)
    ends[i] = writer.count
  }
  return KernelStatus.done
}

/// Bytes that the results for texts of `total` bytes need at most.
///
/// The worst is "aaa" over and over with another letter each time: 3 bytes become the 11 of
/// " xxrep 3 a ". (A wrong byte of a non-ASCII run becomes 3 bytes; that is less.)
@c(tfast_mark_character_runs_room)
public func markCharacterRunsRoom(_ total: Int) -> Int { 4 * total }

private struct ByteWriter {
  let start: UnsafeMutablePointer<UInt8>
  var count = 0

  @inline(__always)
  mutating func write(_ byte: UInt8) {
    start[count] = byte
    count += 1
  }

  @inline(__always)
  mutating func write(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) {
    guard !bytes.isEmpty else { return }
    (start + count).update(from: bytes.base.baseAddress! + bytes.startIndex, count: bytes.count)
    count += bytes.count
  }

  mutating func write(_ scalar: Unicode.Scalar) {
    for byte in UTF8.encode(scalar)! { write(byte) }
  }

  /// " xxrep count character ".
  mutating func writeMark(_ repeats: Int, _ character: Unicode.Scalar) {
    for byte in " xxrep ".utf8 { write(byte) }
    for byte in String(repeats).utf8 { write(byte) }
    write(UInt8(ascii: " "))
    write(character)
    write(UInt8(ascii: " "))
  }
}

private let shortestRun = 3

private func markRuns(_ text: UnsafeBufferPointer<UInt8>, into writer: inout ByteWriter) {
  var position = 0
  var copied = 0  // all before it has been written
  while position < text.count {
    let byte = text[position]
    if byte < 0x80 {
      let end = endOfRun(of: byte, in: text, from: position)
      if end - position >= shortestRun && !isWhiteSpace(byte) {
        writer.write(text[copied..<position])
        writer.writeMark(end - position, Unicode.Scalar(byte))
        copied = end
      }
      position = end
    } else if let end = endOfNonASCIIRun(in: text, from: position) {
      writer.write(text[copied..<position])
      markRunsOfCharacters(text[position..<end], into: &writer)
      (position, copied) = (end, end)
    } else {
      position += 1
    }
  }
  writer.write(text[copied..<text.count])
}

@inline(__always)
private func endOfRun(
  of byte: UInt8, in text: UnsafeBufferPointer<UInt8>, from start: Int
) -> Int {
  var end = start + 1
  while end < text.count && text[end] == byte { end += 1 }
  return end
}

/// ASCII's white space as Python's `str.isspace` knows it.
@inline(__always)
private func isWhiteSpace(_ byte: UInt8) -> Bool {
  byte == 0x20 || (0x09...0x0D).contains(byte) || (0x1C...0x1F).contains(byte)
}

/// Where a run of three or more non-ASCII characters ends that begins here, if one does.
///
/// RE2, which finds these runs for tfast, takes a lead byte with enough continuation bytes for
/// a character, whatever its number: so do we.
private func endOfNonASCIIRun(in text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int? {
  var (end, count) = (start, 0)
  while let next = endOfNonASCIICharacter(in: text, at: end) {
    end = next
    count += 1
  }
  return count >= shortestRun ? end : nil
}

@inline(__always)
private func endOfNonASCIICharacter(in text: UnsafeBufferPointer<UInt8>, at start: Int) -> Int? {
  guard start < text.count else { return nil }
  let length: Int
  switch text[start] {
  case 0xC2...0xDF: length = 2
  case 0xE0...0xEF: length = 3
  case 0xF0...0xF4: length = 4
  default: return nil
  }
  guard start + length <= text.count else { return nil }
  for i in start + 1..<start + length where text[i] & 0xC0 != 0x80 { return nil }
  return start + length
}

/// Writes non-ASCII characters, those in a row three times or more as a mark.
private func markRunsOfCharacters(
  _ bytes: Slice<UnsafeBufferPointer<UInt8>>, into writer: inout ByteWriter
) {
  var decoder = bytes.makeIterator()
  var codec = UTF8()
  var previous: Unicode.Scalar?
  var repeats = 0

  func flush(_ writer: inout ByteWriter) {
    guard let previous else { return }
    if repeats >= shortestRun && !previous.properties.isWhitespace {
      writer.writeMark(repeats, previous)
    } else {
      for _ in 0..<repeats { writer.write(previous) }
    }
  }

  while true {
    let scalar: Unicode.Scalar
    switch codec.decode(&decoder) {
    case .scalarValue(let value): scalar = value
    case .error: scalar = "\u{FFFD}"
    case .emptyInput:
      flush(&writer)
      return
    }
    if scalar == previous {
      repeats += 1
    } else {
      flush(&writer)
      (previous, repeats) = (scalar, 1)
    }
  }
}
