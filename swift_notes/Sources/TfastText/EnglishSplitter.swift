/// Splits English words as spaCy does: "don't." is "do n't .".
///
/// It cuts prefixes and suffixes off a word, one of each at a time, until nothing more comes off or
/// what is left is a known exception; then it cuts what is left at infixes, unless it is an
/// address; last it joins exceptions that were cut apart. Tokens are parts of the word.
struct EnglishSplitter: Sendable {
  /// As many prefixes and suffixes come off one word: a megabyte of punctuation must end.
  private static let mostAffixes = 40

  private let patterns: EnglishPatterns

  init(_ data: JSON) throws(TokenizerError) { patterns = try EnglishPatterns(data) }

  /// Adds the tokens of `word`, which has neither white space nor capitals in it.
  func split(_ word: Span<UInt8>, into tokens: inout [Range<Int>]) {
    if let lengths = patterns.exceptions.lengths(of: word) {
      tokens += ranges(lengths, from: 0)
    } else if isAllLetters(word) {
      if !word.isEmpty { tokens.append(0..<word.count) }
    } else {
      splitOpen(word, into: &tokens)
    }
  }

  private func splitOpen(_ word: Span<UInt8>, into tokens: inout [Range<Int>]) {
    let start = tokens.count
    var core = 0..<word.count
    var suffixes: [Range<Int>] = []
    for _ in 0..<Self.mostAffixes {
      let before = core
      cutAffixes(&core, of: word, prefixes: &tokens, suffixes: &suffixes)
      let left = word.extracting(core)
      if core == before || patterns.exceptions.contains(left) || isAllLetters(left) { break }
    }
    appendCore(core, of: word, to: &tokens)
    tokens += suffixes.reversed()
    patterns.phrases.join(&tokens, from: start, of: word)
  }

  /// Cuts at most one prefix and one suffix, fewer when an exception appears.
  private func cutAffixes(
    _ core: inout Range<Int>, of word: Span<UInt8>, prefixes: inout [Range<Int>],
    suffixes: inout [Range<Int>]
  ) {
    let prefixEnd = core.lowerBound + patterns.prefixLength(word.extracting(core))
    let withoutPrefix = prefixEnd..<core.upperBound
    let suffixLength = patterns.suffixLength(word.extracting(withoutPrefix))
    let suffixStart = core.upperBound - suffixLength
    let withoutSuffix = core.lowerBound..<suffixStart
    let hasPrefix = !(core.lowerBound..<prefixEnd).isEmpty
    let hasSuffix = suffixLength > 0

    let isPrefixEnough = hasPrefix && patterns.exceptions.contains(word.extracting(withoutPrefix))
    let isSuffixEnough =
      !isPrefixEnough && hasSuffix && patterns.exceptions.contains(word.extracting(withoutSuffix))
    var (low, high) = (core.lowerBound, core.upperBound)
    if hasPrefix, !isSuffixEnough {
      prefixes.append(low..<prefixEnd)
      low = prefixEnd
    }
    if hasSuffix, !isPrefixEnough {
      suffixes.append(suffixStart..<high)
      high = suffixStart
    }
    core = low..<high
  }

  /// Adds what is left when prefixes and suffixes are gone.
  private func appendCore(
    _ core: Range<Int>, of word: Span<UInt8>, to tokens: inout [Range<Int>]
  ) {
    guard !core.isEmpty else { return }
    let text = word.extracting(core)
    if let lengths = patterns.exceptions.lengths(of: text) {
      tokens += ranges(lengths, from: core.lowerBound)
      return
    }
    let cuts = patterns.infixes.cuts(in: text)
    guard !cuts.isEmpty, !patterns.addresses.isAddress(text) else {
      tokens.append(core)
      return
    }
    var start = core.lowerBound
    for cut in cuts {
      tokens.append(start..<core.lowerBound + cut)
      start = core.lowerBound + cut
    }
    tokens.append(start..<core.upperBound)
  }
}

/// Whether nothing can be cut off: most words, so that they are soon done with.
@inline(__always)
private func isAllLetters(_ word: Span<UInt8>) -> Bool {
  for index in word.indices where !((word[index] | 0x20) &- UInt8(ascii: "a") < 26) {
    return false
  }
  return true
}
