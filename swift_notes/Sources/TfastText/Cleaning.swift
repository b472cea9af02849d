/// Two code points that no text may hold: tokenization keeps them for itself.
private let reserved: [Bytes] = [[0xEF, 0xB7, 0x90], [0xEF, 0xB7, 0x91]]
private let replacementCharacter: Bytes = [0xEF, 0xBF, 0xBD]

/// The text as UTF-8, whatever it was.
///
/// Each longest beginning of a character that does not go on becomes one U+FFFD, as Unicode
/// recommends and Python and TensorFlow do; so do U+FDD0 and U+FDD1.
func cleaned(_ text: Span<UInt8>) -> Bytes {
  var output = Bytes()
  output.reserveCapacity(text.count + 16)
  var position = 0
  while position < text.count {
    let start = position
    while position < text.count, text[position] < 0x80 { position += 1 }
    output.append(text.extracting(start..<position))
    if position == text.count { break }
    let (length, isValid) = text.characterLength(at: position)
    if isValid, !reserved.contains(where: { text.has($0, at: position) }) {
      output.append(text.extracting(position..<position + length))
    } else {
      output += replacementCharacter
    }
    position += length
  }
  return output
}

extension Span<UInt8> {
  /// How many bytes belong to the character at `position`, which is not ASCII; or, where none is
  /// complete there, to its beginning (at least one).
  fileprivate func characterLength(at position: Int) -> (length: Int, isValid: Bool) {
    let first = self[position]
    let length: Int
    var second: ClosedRange<UInt8> = 0x80...0xBF
    switch first {
    case 0xC2...0xDF: length = 2
    case 0xE0...0xEF:
      length = 3
      if first == 0xE0 { second = 0xA0...0xBF }  // no overlong forms
      if first == 0xED { second = 0x80...0x9F }  // no surrogates
    case 0xF0...0xF4:
      length = 4
      if first == 0xF0 { second = 0x90...0xBF }
      if first == 0xF4 { second = 0x80...0x8F }  // nothing above U+10FFFF
    default: return (1, false)
    }
    for offset in 1..<length {
      let allowed = offset == 1 ? second : 0x80...0xBF
      guard position + offset < count, allowed.contains(self[position + offset]) else {
        return (offset, false)
      }
    }
    return (length, true)
  }
}
