private let capitalSigma: UInt32 = 0x3A3
private let finalSigma: UInt32 = 0x3C2

/// Python's `str.lower`, by a table: neither this machine's Unicode nor its locale changes it.
struct Lowercase: Sendable {
  private var mapping: [UInt32: Bytes] = [:]
  // What makes a capital sigma the last letter of a word, and so another small letter.
  private let cased: CharacterClass
  private let ignorable: CharacterClass

  /// Reads `lowercase` of tokenizer.json.
  init(_ table: JSON?, cased: CharacterClass, ignorable: CharacterClass) throws(TokenizerError) {
    guard let members = table?.members else {
      throw TokenizerError("lowercase must be an object")
    }
    for (key, value) in members {
      let first = key.isEmpty ? nil : key.span.codePoint(at: 0)
      guard let first, first.length == key.count, let small = value.bytes else {
        throw TokenizerError("lowercase must map single characters to strings")
      }
      mapping[first.value] = small
    }
    self.cased = cased
    self.ignorable = ignorable
  }

  /// Adds the text in small letters.
  @inline(__always)
  func append(_ text: Span<UInt8>, to output: inout Bytes) {
    var position = 0
    while position < text.count {
      let byte = text[position]
      if byte < 0x80 {
        output.append(byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte)
        position += 1
      } else {
        position += appendRare(text, position, to: &output)
      }
    }
  }

  /// Adds the character at `position`, which is not ASCII; returns how many bytes it has.
  private func appendRare(_ text: Span<UInt8>, _ position: Int, to output: inout Bytes) -> Int {
    let (codePoint, length) = text.codePoint(at: position)
    if codePoint == capitalSigma, endsWord(text, position, length) {
      output.append(codePoint: finalSigma)
    } else if let small = mapping[codePoint] {
      output += small
    } else {
      output.append(text.extracting(position..<position + length))
    }
    return length
  }

  /// Whether a letter with a case is before the sigma at `position`, and none after it.
  private func endsWord(_ text: Span<UInt8>, _ position: Int, _ length: Int) -> Bool {
    var before = position
    while before > 0 {
      before = text.start(before: before)
      let codePoint = text.codePoint(at: before).value
      if ignorable.contains(codePoint) {
        if before == 0 { return false }
        continue
      }
      if !cased.contains(codePoint) { return false }
      return !hasCasedNext(text, position + length)
    }
    return false
  }

  private func hasCasedNext(_ text: Span<UInt8>, _ start: Int) -> Bool {
    var after = start
    while after < text.count {
      let (codePoint, length) = text.codePoint(at: after)
      if !ignorable.contains(codePoint) { return cased.contains(codePoint) }
      after += length
    }
    return false
  }
}
