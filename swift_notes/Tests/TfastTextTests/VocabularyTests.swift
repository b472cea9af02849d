import Testing

@testable import TfastText

private let special = "xxunk\nxxpad\nxxbos\nxxeos\nxxfld\nxxrep\nxxwrep\nxxup\nxxmaj\n"

@Suite struct VocabularyTests {
  private func ids(_ words: [Bytes], in lines: String) throws -> [Int32] {
    var tokens = TokenList()
    for word in words { tokens.append(word.span) }
    return try Vocabulary(text: Bytes((special + lines).utf8)).ids(of: tokens)
  }

  @Test func theLineIsTheIdAndUnknownWordsAreZero() throws {
    #expect(try ids([Bytes("film"), Bytes("xxpad"), Bytes("?")], in: "the\nfilm\n") == [10, 1, 0])
    #expect(try ids([Bytes("film")], in: "the\r\nfilm\r\n") == [10])
    #expect(try ids([Bytes("film")], in: "the\nfilm") == [10])
  }

  @Test func escapesAreReadAsPythonWritesThem() throws {
    let lines = "\\n\\n\n\\x20\n\\u200b\n\\U0001f600\n\\\\x\n\\q\n"
    let words = ["\n\n", " ", "\u{200b}", "😀", "\\x", "\\q"].map { Bytes($0.utf8) }
    #expect(try ids(words, in: lines) == [9, 10, 11, 12, 13, 14])
  }

  @Test func wordsThatLookAlikeAreDifferent() throws {
    // Swift's own strings are equal here.
    let (composed, decomposed) = (Bytes("\u{e9}".utf8), Bytes("e\u{301}".utf8))
    #expect(try ids([composed, decomposed], in: "\u{e9}\ne\u{301}\n") == [9, 10])
  }

  @Test(arguments: ["the\nthe\n", "a\n\\x61\n"])
  func repeatedWordsAreRefused(_ lines: String) {
    #expect(throws: TokenizerError.self) { try ids([], in: lines) }
  }

  @Test func anotherBeginningIsRefused() {
    #expect(throws: TokenizerError.self) { try Vocabulary(text: Bytes("the\nfilm\n")) }
    #expect(throws: TokenizerError.self) { try Vocabulary(text: []) }
  }

  @Test func aTableFindsManyKeysAndNoOthers() {
    var table = ByteTable(capacity: 1)
    for number in 0..<5000 { table.insert(Bytes("key\(number)".utf8).span) }
    for number in 0..<5000 {
      #expect(table.number(of: Bytes("key\(number)".utf8).span) == number)
      #expect(table.number(of: Bytes("kex\(number)".utf8).span) == nil)
    }
    #expect(table.insert(Bytes("key7").span) == (7, false))
    #expect(table.number(of: Bytes().span) == nil)
  }
}
