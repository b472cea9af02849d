/// The words a model knows; a word's number is its id.
public struct Vocabulary: Sendable {
  private let words: ByteTable

  /// - Parameter text: the content of vocabulary.txt, a word a line, as tfast's `Vocabulary` writes
  ///   it: backslashes, white space and what cannot be printed as Python escapes them.
  public init(text: Bytes) throws(TokenizerError) {
    var words = ByteTable(capacity: text.count / 8)
    var start = 0
    let bytes = text.span
    while start < bytes.count {
      let end = bytes.position(of: UInt8(ascii: "\n"), from: start) ?? bytes.count
      let isCarriageReturn = end > start && bytes[end - 1] == UInt8(ascii: "\r")
      let line = bytes.extracting(start..<(isCarriageReturn ? end - 1 : end))
      let isNew =
        line.position(of: UInt8(ascii: "\\"), from: 0) == nil
        ? words.insert(line).isNew : words.insert(unescaped(line).span).isNew
      guard isNew else {
        throw TokenizerError("line \(words.count + 1) repeats a word")
      }
      start = end + 1
    }
    for token in SpecialToken.allCases {
      guard token.rawValue < words.count, words[token.rawValue] == token.bytes else {
        throw TokenizerError("it must begin with xxunk xxpad xxbos xxeos xxfld xxrep ...")
      }
    }
    self.words = words
  }

  public var count: Int { words.count }

  /// The ids of tokens; 0 for one that is not known.
  public func ids(of tokens: TokenList) -> [Int32] {
    let bytes = tokens.bytes.span
    return (0..<tokens.count).map { number in
      Int32(words.number(of: bytes.extracting(tokens.range(number))) ?? 0)
    }
  }
}

/// A word as it is, from how a line has it: `\x20`, `\u200b`, `\U0001f600`, `\\`, `\n`, `\r`, `\t`.
private func unescaped(_ line: Span<UInt8>) -> Bytes {
  var word = Bytes()
  var position = 0
  while position < line.count {
    if let (codePoint, length) = escape(line, position) {
      word.append(codePoint: codePoint)
      position += length
    } else {
      word.append(line[position])
      position += 1
    }
  }
  return word
}

/// The escape that begins at `position`, if one does: what it means, and its bytes.
private func escape(_ line: Span<UInt8>, _ position: Int) -> (codePoint: UInt32, length: Int)? {
  guard line[position] == UInt8(ascii: "\\"), position + 1 < line.count else { return nil }
  let digits: Int
  switch line[position + 1] {
  case UInt8(ascii: "\\"): return (0x5C, 2)
  case UInt8(ascii: "n"): return (0x0A, 2)
  case UInt8(ascii: "r"): return (0x0D, 2)
  case UInt8(ascii: "t"): return (0x09, 2)
  case UInt8(ascii: "x"): digits = 2
  case UInt8(ascii: "u"): digits = 4
  case UInt8(ascii: "U"): digits = 8
  default: return nil
  }
  guard position + 2 + digits <= line.count else { return nil }
  var codePoint: UInt32 = 0
  for index in position + 2..<position + 2 + digits {
    guard let digit = hexadecimalDigit(line[index]) else { return nil }
    codePoint = codePoint << 4 | digit
  }
  return codePoint <= 0x10_FFFF ? (codePoint, 2 + digits) : nil
}
