/// Tokens that belong together though the rules cut them apart (": )" is ":)").
struct Phrases: Sendable {
  private let phrases: Cuttings
  // First tokens of phrases, and how many tokens the longest phrase has that begins so.
  private var heads = ByteTable(capacity: 128)
  private var mostTokens: [Int] = []

  init(_ table: JSON?) throws(TokenizerError) {
    phrases = try Cuttings(table, name: "phrases")
    for phrase in phrases.keys {
      let tokens = phrase.split(separator: space)
      let (number, isNew) = heads.insert(Bytes(tokens[0]).span)
      if isNew { mostTokens.append(0) }
      mostTokens[number] = max(mostTokens[number], tokens.count)
    }
  }

  /// Joins the tokens of `word` from `start` on, the longest phrase at each of them.
  func join(_ tokens: inout [Range<Int>], from start: Int, of word: Span<UInt8>) {
    var index = start
    while index < tokens.count {
      if let number = heads.number(of: word.extracting(tokens[index])),
        let (count, lengths) = longest(
          Array(tokens[index...].prefix(mostTokens[number])), of: word)
      {
        let joined = ranges(lengths, from: tokens[index].lowerBound)
        tokens.replaceSubrange(index..<index + count, with: joined)
        index += joined.count
      } else {
        index += 1
      }
    }
  }

  private func longest(
    _ tokens: [Range<Int>], of word: Span<UInt8>
  ) -> (count: Int, lengths: [Int])? {
    for count in stride(from: tokens.count, to: 0, by: -1) {
      var phrase = Bytes()
      for token in tokens.prefix(count) {
        if !phrase.isEmpty { phrase.append(space) }
        phrase.append(word.extracting(token))
      }
      if let lengths = phrases.lengths(of: phrase.span) { return (count, lengths) }
    }
    return nil
  }
}

/// Ranges of these lengths, one after the other.
func ranges(_ lengths: [Int], from start: Int) -> [Range<Int>] {
  var begin = start
  return lengths.map { length in
    defer { begin += length }
    return begin..<begin + length
  }
}
