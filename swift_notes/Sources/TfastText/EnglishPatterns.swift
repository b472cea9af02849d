/// What spaCy knows about English words, from tokenizer.json: its exceptions, and what it cuts off.
struct EnglishPatterns: Sendable {
  let exceptions: Cuttings
  let phrases: Phrases
  let infixes: Infixes
  let addresses: Addresses
  private let icons: CharacterClass
  // Prefixes, by their first byte; suffixes, by their last byte; suffixes of a number, likewise.
  private let prefixes: LiteralsByByte
  private let suffixes: LiteralsByByte
  private let afterDigit: LiteralsByByte
  private let beforeStop: CharacterClass
  private let upper: CharacterClass

  init(_ data: JSON) throws(TokenizerError) {
    func named(_ name: StaticString) throws(TokenizerError) -> CharacterClass {
      try characterClass(name, in: data)
    }
    func list(_ name: StaticString) throws(TokenizerError) -> [Bytes] {
      try alternatives(name, in: data)
    }
    let dashes = [Bytes("—"), Bytes("–")]
    exceptions = try Cuttings(data["exceptions"], name: "exceptions")
    phrases = try Phrases(data["phrases"])
    infixes = try Infixes(data)
    addresses = try Addresses(data)
    icons = try named("icons")
    upper = try named("alpha_upper")
    let signs = CharacterClass([0x25...0x25, 0xB2...0xB2, 0x2B...0x2B, 0x2D...0x2D, 0x30...0x39])
    beforeStop = try signs.union(named("alpha_lower")).union(named("punctuation"))
      .union(named("quotes"))
    let common = try list("punctuation") + [Bytes("…")] + list("quotes")
    let possessives = [Bytes("'s"), Bytes("'S"), Bytes("’s"), Bytes("’S")]
    let signsInFront = [Bytes("§"), Bytes("%"), Bytes("=")]
    prefixes = try LiteralsByByte(signsInFront + dashes + common + list("currency"), by: \.first)
    suffixes = LiteralsByByte(common + possessives + dashes, by: \.last)
    afterDigit = try LiteralsByByte(
      [Bytes("+")] + list("currency") + list("units"), by: \.last)
  }

  /// How many bytes come off the beginning of `word`: the first alternative that fits.
  func prefixLength(_ word: Span<UInt8>) -> Int {
    guard !word.isEmpty else { return 0 }
    let byte = word[0]
    if byte == UInt8(ascii: ".") {
      var dots = 1
      while dots < word.count, word[dots] == byte { dots += 1 }
      return dots > 1 ? dots : 0
    }
    for literal in prefixes[byte] where word.has(literal, at: 0) { return literal.count }
    if byte == UInt8(ascii: "+") {
      return word.count == 1 || !isDigit(word[1]) ? 1 : 0
    }
    let (codePoint, length) = word.codePoint(at: 0)
    return icons.contains(codePoint) ? length : 0
  }

  /// How many bytes come off the end of `word`: what begins furthest to the left.
  ///
  /// Some alternatives ask what is before the suffix; that belongs to the match, but stays.
  func suffixLength(_ word: Span<UInt8>) -> Int {
    guard !word.isEmpty else { return 0 }
    let end = word.count
    let byte = word[end - 1]
    if byte == UInt8(ascii: ".") { return stopLength(word) }
    var (start, cut) = (end, 0)
    for literal in suffixes[byte] where word.has(literal, at: end - literal.count) {
      if end - literal.count < start { (start, cut) = (end - literal.count, literal.count) }
    }
    for literal in afterDigit[byte] {
      let digit = end - literal.count - 1
      guard digit >= 0, digit < start, isDigit(word[digit]), word.has(literal, at: digit + 1)
      else { continue }
      (start, cut) = (digit, literal.count)
    }
    if cut > 0 { return cut }
    let last = word.start(before: end)
    return icons.contains(word.codePoint(at: last).value) ? end - last : 0
  }

  /// `suffixLength` of a word that ends with ".".
  private func stopLength(_ word: Span<UInt8>) -> Int {
    let stop = word.count - 1
    var start = stop
    while start > 0, word[start - 1] == UInt8(ascii: ".") { start -= 1 }
    if start < stop { return word.count - start }
    guard stop > 0 else { return 0 }
    let last = word.start(before: stop)
    let codePoint = word.codePoint(at: last).value
    if beforeStop.contains(codePoint) { return 1 }
    guard last > 0 else { return 0 }
    let second = word.start(before: last)
    let before = word.codePoint(at: second).value
    if upper.contains(codePoint), upper.contains(before) { return 1 }
    return before == 0xB0 && isTemperatureScale(word[last]) ? 1 : 0
  }
}

/// Texts by their first or last byte, each in the order given.
struct LiteralsByByte: Sendable {
  private var lists = [[Bytes]](repeating: [], count: 256)

  init(_ literals: [Bytes], by key: (Bytes) -> UInt8?) {
    for literal in literals {
      if let byte = key(literal) { lists[Int(byte)].append(literal) }
    }
  }

  @inline(__always)
  subscript(byte: UInt8) -> [Bytes] { lists[Int(byte)] }
}

func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

private func isTemperatureScale(_ byte: UInt8) -> Bool {
  let small = byte | 0x20
  return small == UInt8(ascii: "c") || small == UInt8(ascii: "f") || small == UInt8(ascii: "k")
}

/// A character class of tokenizer.json.
func characterClass(_ name: StaticString, in data: JSON) throws(TokenizerError) -> CharacterClass {
  guard let text = data["classes"]?[name]?.bytes, let found = CharacterClass(parsing: text) else {
    throw TokenizerError("classes.\(name) must be a list of code points like \\x{61}-\\x{7a}")
  }
  return found
}

/// A list of alternatives of tokenizer.json; in the file, signs have a backslash in front.
func alternatives(_ name: StaticString, in data: JSON) throws(TokenizerError) -> [Bytes] {
  let lists = data["alternatives"]?[name]?.elements?.map(\.bytes)
  guard let lists, !lists.contains(where: { $0?.isEmpty ?? true }) else {
    throw TokenizerError("alternatives.\(name) must be a list of texts")
  }
  return lists.map { ($0 ?? []).filter { $0 != UInt8(ascii: "\\") } }
}
