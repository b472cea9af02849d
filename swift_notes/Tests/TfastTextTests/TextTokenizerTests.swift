import Testing

@testable import TfastText

@Suite struct TextTokenizerTests {
  @Test func tokensAreThoseOfTheGraph() throws {
    let entries = try #require(JSON(parsing: fixture("tokens.json"))?.elements)
    #expect(entries.count > 300)
    for entry in entries {
      let text = try #require(entry["text"]?.bytes.flatMap(decodedBase64))
      let expected = entry["tokens"]?.elements?.compactMap(\.text)
      #expect(englishTokenizer.words(text) == expected, "\(text)")
    }
  }

  @Test(arguments: [
    ("don't.", "do n't ."), ("(e.g.,", "( e.g. ,"), ("fun:)", "fun :)"), (":):)", ": ): )"),
    ("state-of-the-art", "state - of - the - art"),
    ("film-making.great", "film-making.great"), ("me@example.com,", "me@example.com ,"),
    ("http://127.0.0.1", "http://127.0.0.1"), ("http://8.8.8.8/a-b", "http://8.8.8.8/a-b"),
    ("1-2-3", "1 - 2 - 3"), ("end.\"'then", "end . \"'then"), ("$5.99", "$ 5.99"),
    ("+5", "+5"), ("+a", "+ a"), ("5km²!", "5 km² !"), ("a…b", "a … b"), ("'em", "'em"),
    ("30°c.", "30 ° c ."), ("it's", "it 's"), ("u.s.a.", "u.s.a ."),
  ])
  func wordsAreSplitAsSpacyDoes(_ word: String, _ tokens: String) throws {
    let splitter = try EnglishSplitter(#require(JSON(parsing: fixture("text/tokenizer.json"))))
    let bytes = Bytes(word.utf8)
    var ranges: [Range<Int>] = []
    splitter.split(bytes.span, into: &ranges)
    let found = ranges.map { String(decoding: bytes[$0], as: UTF8.self) }
    #expect(found.joined(separator: " ") == tokens)
  }

  @Test func whiteSpaceIsATokenButForSingleSpaces() {
    #expect(englishTokenizer.words("a\n\nb") == ["xxbos", "a", "\n\n", "b"])
    #expect(englishTokenizer.words("a \n b") == ["xxbos", "a", "\n▁", "b"])
    #expect(englishTokenizer.words("a \n\n b c") == ["xxbos", "a", "\n\n▁", "b", "c"])
  }

  @Test func fieldsAndEndsAreMarkedOnRequest() throws {
    let json = try fixture("text/tokenizer.json")
    let marking = try TextTokenizer(
      tokenizerJSON: json, options: .init(addEnd: true, markFields: true))
    let plain = try TextTokenizer(tokenizerJSON: json, options: .init(addStart: false))
    let fields = [Bytes("A title"), Bytes("Body")]
    #expect(
      marking.tokens(ofFields: fields).tokens.map { String(decoding: $0, as: UTF8.self) } == [
        "xxbos", "xxfld", "1", "a", "title", "xxfld", "2", "xxmaj", "body", "xxeos",
      ])
    #expect(plain.words("A b") == ["a", "b"])
    #expect(plain.words("").isEmpty)
  }

  @Test func mentionsAreSplitOnRequest() throws {
    let text = ".@Jane_1 (@POTUS) me@example.org @ home @_@ RT @A: @B@C A-@B @É"
    let splitting = try TextTokenizer(
      tokenizerJSON: fixture("text/tokenizer.json"),
      options: .init(addStart: false, splitMentions: true))
    let words = splitting.words(text).joined(separator: " ")
    #expect(
      words == ". @ jane_1 ( @ potus ) me@example.org @ home @_@ xxup rt @ a : @ b@c xxup a- @ b @é"
    )
    #expect(englishTokenizer.words("thanks,@jane") == ["xxbos", "thanks,@jane"])
  }

  @Test func whatIsNotUTF8BecomesReplacementCharacters() {
    let text: Bytes = [0xFF, 0x20, 0xE2, 0x82, 0x20, 0xED, 0xA0, 0x80, 0x20, 0xF0, 0x9F, 0x98]
    let replaced = englishTokenizer.words(text)
    #expect(replaced == ["xxbos", "�", "�", "xxrep", "3", "�", "�"])
  }

  @Test(arguments: ["ab", "!?", "a-", "é", "&amp", "\n\t", "a@", "a.b@", "1.", "(", "Σ"])
  func aMegabyteWithoutASpaceEnds(_ piece: String) {
    let pieces = repeatElement(piece, count: (1 << 20) / piece.utf8.count)
    let tokens = englishTokenizer.tokens(of: Bytes(pieces.joined().utf8))
    #expect(tokens[0] == Bytes("xxbos"))
  }

  @Test func capitalSigmaIsWrittenByItsPlace() {
    #expect(englishTokenizer.words("ΟΔΟΣ ΣΑΣ. Σ") == ["xxbos", "οδος", "σας", ".", "σ"])
  }

  @Test(arguments: ["", "[]", "{}", "{\"classes\": {}}"])
  func anotherTokenizerFileIsRefused(_ json: String) {
    #expect(throws: TokenizerError.self) { try TextTokenizer(tokenizerJSON: Bytes(json.utf8)) }
  }

  @Test func aTokenizerFileWithoutOneOfItsPartsIsRefused() throws {
    let members = try #require(JSON(parsing: fixture("text/tokenizer.json"))?.members)
    for missing in members.map(\.key) where ![Bytes("source"), Bytes("licence")].contains(missing) {
      let name = String(decoding: missing, as: UTF8.self)
      let file = try String(decoding: fixture("text/tokenizer.json"), as: UTF8.self)
      let damaged = file.replacing("\"\(name)\":", with: "\"other\":", maxReplacements: 1)
      #expect(throws: TokenizerError.self, "\(name)") {
        try TextTokenizer(tokenizerJSON: Bytes(damaged.utf8))
      }
    }
  }
}
