/// What cuts a word in its middle: "state-of-the-art", "end.Then".
struct Infixes: Sendable {
  private let alpha: CharacterClass
  private let alphaOrDigit: CharacterClass
  private let lowerOrQuote: CharacterClass
  private let upperOrQuote: CharacterClass
  private let icons: CharacterClass
  private let hyphens: [[UInt32]]

  init(_ data: JSON) throws(TokenizerError) {
    let digits = CharacterClass([0x30...0x39])
    let quotes = try characterClass("quotes", in: data)
    alpha = try characterClass("alpha", in: data)
    alphaOrDigit = alpha.union(digits)
    lowerOrQuote = try characterClass("alpha_lower", in: data).union(quotes)
    upperOrQuote = try characterClass("alpha_upper", in: data).union(quotes)
    icons = try characterClass("icons", in: data)
    hyphens = try alternatives("hyphens", in: data).map { codePoints($0.span) }
  }

  /// Where `word` is cut: numbers of bytes, in order, none at either end; mostly nothing.
  func cuts(in word: Span<UInt8>) -> [Int] {
    guard mayHaveInfix(word) else { return [] }
    let text = codePoints(word)
    // One more than there are characters, so that "after the last" has an index too.
    var isCut = [Bool](repeating: false, count: text.count + 1)
    cutFree(text, &isCut)
    cutAll(text, &isCut) { isDigit($0) && arithmetic.contains($1) && (isDigit($2) || $2 == minus) }
    cutAll(text, &isCut) { lowerOrQuote.contains($0) && $1 == stop && upperOrQuote.contains($2) }
    cutAll(text, &isCut) { alpha.contains($0) && $1 == comma && alpha.contains($2) }
    cutHyphens(text, &isCut)
    cutAll(text, &isCut) {
      alphaOrDigit.contains($0) && separators.contains($1) && alpha.contains($2)
    }
    var cuts: [Int] = []
    var position = 0
    for index in text.indices {
      if index > 0, isCut[index] { cuts.append(position) }
      position += word.codePoint(at: position).length
    }
    return cuts
  }

  /// Most words have only letters.
  private func mayHaveInfix(_ word: Span<UInt8>) -> Bool {
    for index in word.indices {
      let byte = word[index]
      if byte >= 0x80 || !(byte | 0x20 &- UInt8(ascii: "a") < 26 || isDigit(byte)) { return true }
    }
    return false
  }

  /// Cuts around what is an infix wherever it is.
  private func cutFree(_ text: [UInt32], _ isCut: inout [Bool]) {
    var index = 0
    while index < text.count {
      var length = 0
      if text[index] == stop {
        while index + length < text.count, text[index + length] == stop { length += 1 }
      }
      if length < 2 { length = text[index] == ellipsis || icons.contains(text[index]) ? 1 : 0 }
      if length > 0 {
        isCut[index] = true
        isCut[index + length] = true
      }
      index += max(length, 1)
    }
  }

  /// Cuts around single characters, by what is on either side.
  private func cutAll(
    _ text: [UInt32], _ isCut: inout [Bool], where fits: (UInt32, UInt32, UInt32) -> Bool
  ) {
    cutTwice(text, &isCut) { index in fits(text[index], text[index + 1], text[index + 2]) ? 1 : 0 }
  }

  private func cutHyphens(_ text: [UInt32], _ isCut: inout [Bool]) {
    cutTwice(text, &isCut) { index in
      guard alphaOrDigit.contains(text[index]) else { return 0 }
      let fitting = hyphens.first { hyphen in
        let end = index + 1 + hyphen.count
        return end < text.count && text[index + 1..<end].elementsEqual(hyphen)
          && alpha.contains(text[end])
      }
      return fitting?.count ?? 0
    }
  }

  /// Cuts wherever `length` finds an infix after a character, from the left.
  ///
  /// The neighbours belong to a match, and matches do not overlap. One that belongs to two infixes,
  /// "a-b-c", is free again in the second round.
  private func cutTwice(_ text: [UInt32], _ isCut: inout [Bool], length: (Int) -> Int) {
    for _ in 0..<2 {
      var index = 0
      while index + 2 < text.count {
        let length = length(index)
        let end = index + 1 + length
        guard length > 0, !isCut[(index + 1)...end].contains(true) else {
          index += 1
          continue
        }
        isCut[index + 1] = true
        isCut[end] = true
        index = end + 1
      }
    }
  }
}

private let minus = UInt32(UInt8(ascii: "-"))
private let stop = UInt32(UInt8(ascii: "."))
private let comma = UInt32(UInt8(ascii: ","))
private let ellipsis: UInt32 = 0x2026
private let arithmetic = CharacterClass([0x2A...0x2B, 0x2D...0x2D, 0x5E...0x5E])  // * + - ^
private let separators = CharacterClass([0x2F...0x2F, 0x3A...0x3A, 0x3C...0x3E])  // / : < = >

private func isDigit(_ codePoint: UInt32) -> Bool { codePoint &- 0x30 < 10 }

private func codePoints(_ text: Span<UInt8>) -> [UInt32] {
  var codePoints: [UInt32] = []
  codePoints.reserveCapacity(text.count)
  var position = 0
  while position < text.count {
    let (codePoint, length) = text.codePoint(at: position)
    codePoints.append(codePoint)
    position += length
  }
  return codePoints
}
