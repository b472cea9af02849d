/// Raw texts to tokens: fastai's rules, then spaCy's splitting, byte for byte as tfast's
/// `TextTokenizer` gives them in TensorFlow.
///
///     let tokenizer = try TextTokenizer(tokenizerJSON: contents)
///     tokenizer.tokens(of: Bytes("I don't LIKE this...".utf8))
///     // xxbos i do n't xxup like this …
///
/// It never changes, so any number of threads may use one.
public struct TextTokenizer: Sendable {
  /// What is marked in a text, as in tfast's `TextTokenizer`.
  public struct Options: Sendable {
    /// Whether "xxbos" opens each text.
    public var addStart = true
    /// Whether "xxeos" closes it.
    public var addEnd = false
    /// Whether "xxfld 1", "xxfld 2" ... come before the fields of a text.
    public var markFields = false
    /// Whether "@" is set apart from a name that follows.
    public var splitMentions = false

    public init(
      addStart: Bool = true, addEnd: Bool = false, markFields: Bool = false,
      splitMentions: Bool = false
    ) {
      self.addStart = addStart
      self.addEnd = addEnd
      self.markFields = markFields
      self.splitMentions = splitMentions
    }
  }

  private let options: Options
  private let references: HTMLReferences
  private let lowercase: Lowercase
  private let wordCharacters: CharacterClass
  private let splitter: EnglishSplitter

  /// - Parameter tokenizerJSON: the content of a portable folder's tokenizer.json.
  public init(tokenizerJSON: Bytes, options: Options = Options()) throws(TokenizerError) {
    guard let data = JSON(parsing: tokenizerJSON) else { throw TokenizerError("it is not JSON") }
    self.options = options
    references = try HTMLReferences(
      references: data["html_references"], numbers: data["html_numbers"])
    lowercase = try Lowercase(
      data["lowercase"], cased: characterClass("cased", in: data),
      ignorable: characterClass("case_ignorable", in: data))
    wordCharacters = try characterClass("word", in: data)
    splitter = try EnglishSplitter(data)
  }

  /// The tokens of one text. Any bytes are accepted: what is not UTF-8 becomes U+FFFD.
  public func tokens(of text: Bytes) -> TokenList { tokens(ofFields: [text]) }

  /// The tokens of one text in several parts, such as title and body.
  public func tokens(ofFields fields: [Bytes]) -> TokenList {
    let text = prepared(fields)
    var tokens = TokenList()
    if options.addStart { tokens.append(.textStart) }
    appendTokens(of: text.span.extracting(text.span.rangeWithoutOuterWhiteSpace()), to: &tokens)
    if options.addEnd { tokens.append(.textEnd) }
    return tokens
  }

  /// What the rules that may look further than one word make of a text.
  func prepared(_ fields: [Bytes]) -> Bytes {
    var text = Bytes()
    for (number, field) in fields.enumerated() {
      if number > 0 { text.append(space) }
      if options.markFields {
        text += SpecialToken.field.bytes
        text += " \(number + 1) ".utf8
      }
      text += cleaned(field.span)
    }
    fixHTML(&text, references: references)
    markCharacterRuns(&text)
    markWordRuns(&text, wordCharacters: wordCharacters)
    return spaceOut(text.span)
  }

  /// Adds the tokens of the words, and of the white space between them other than single spaces.
  private func appendTokens(of text: Span<UInt8>, to tokens: inout TokenList) {
    // Kept between words, so that not every word allocates them.
    var small = Bytes()
    var ranges: [Range<Int>] = []
    var position = 0
    while position < text.count {
      if text[position] == space {
        position += 1
        continue
      }
      let start = position
      while position < text.count, text[position] != space {
        if text.whiteSpaceLength(at: position) > 0 { break }
        position += 1
      }
      if position > start {
        appendWord(text.extracting(start..<position), to: &tokens, &small, &ranges)
      } else {
        position = appendWhiteSpace(text, position, to: &tokens)
      }
    }
  }

  /// The rules that look at one word alone, and the splitting.
  private func appendWord(
    _ word: Span<UInt8>, to tokens: inout TokenList, _ small: inout Bytes,
    _ ranges: inout [Range<Int>]
  ) {
    if let mark = capitalMark(word) { tokens.append(mark) }
    small.removeAll(keepingCapacity: true)
    lowercase.append(word, to: &small)
    let small = small.span
    var start = 0
    if options.splitMentions {
      for at in small.indices where isMention(small, at) {
        appendParts(small.extracting(start..<at), to: &tokens, &ranges)
        appendParts(small.extracting(at..<at + 1), to: &tokens, &ranges)
        start = at + 1
      }
    }
    appendParts(small.extracting(start..<small.count), to: &tokens, &ranges)
  }

  private func appendParts(
    _ word: Span<UInt8>, to tokens: inout TokenList, _ ranges: inout [Range<Int>]
  ) {
    ranges.removeAll(keepingCapacity: true)
    splitter.split(word, into: &ranges)
    for range in ranges { tokens.append(word.extracting(range)) }
  }

  /// Whether "@" is there and a name follows, as it does not in "me@example.org" and "@_@".
  private func isMention(_ word: Span<UInt8>, _ at: Int) -> Bool {
    guard word[at] == UInt8(ascii: "@"), at + 1 < word.count else { return false }
    let isInName = at > 0 && (isLetterOrDigit(word[at - 1]) || word[at - 1] == UInt8(ascii: "_"))
    return !isInName && isLetterOrDigit(word[at + 1])
  }

  /// Adds the token of the white space at `start`, which is no space; returns where it ends.
  ///
  /// A space after another kind of white space belongs to it, and is written "▁".
  private func appendWhiteSpace(
    _ text: Span<UInt8>, _ start: Int, to tokens: inout TokenList
  ) -> Int {
    var token = Bytes()
    var position = start
    while position < text.count, text[position] != space {
      let length = text.whiteSpaceLength(at: position)
      if length == 0 { break }
      token.append(text.extracting(position..<position + length))
      position += length
      if position < text.count, text[position] == space {
        token += "▁".utf8
        position += 1
      }
    }
    tokens.append(token.span)
    return position
  }
}

/// A word has no capitals left where this is asked.
private func isLetterOrDigit(_ byte: UInt8) -> Bool {
  UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
}
