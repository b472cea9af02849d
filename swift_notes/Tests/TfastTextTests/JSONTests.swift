import Testing

@testable import TfastText

@Suite struct JSONTests {
  private func parse(_ text: String) -> JSON? { JSON(parsing: Bytes(text.utf8)) }

  @Test func valuesAreRead() throws {
    let value = try #require(
      parse(#" {"a": [1, -2.5e1, true, null], "b": "\u00e9\ud83d\ude00\n", "c": {}} "#))
    #expect(value["a"]?.elements?.map(\.number) == [1, -25, nil, nil])
    #expect(value["a"]?.elements?[2].bool == true)
    #expect(value["b"]?.text == "é😀\n")
    #expect(value["c"]?.members?.isEmpty == true)
    #expect(value["d"] == nil)
  }

  @Test func wholeNumbersAreOnlyThose() {
    #expect(parse("12")?.integer == 12)
    #expect(parse("12.5")?.integer == nil)
    #expect(parse("1e300")?.integer == nil)
  }

  @Test(arguments: [
    "", "{", "[1,]", "{\"a\" 1}", "\"a", "\"\\q\"", "\"\\ud800\"", "tru", "1 2", "+1", "--1",
    "\"\n\"", String(repeating: "[", count: 100_000),
  ])
  func anythingElseIsRefused(_ text: String) {
    #expect(parse(text) == nil)
  }

  @Test func stringsAreQuoted() {
    let text = Bytes("a\"b\\c\n\u{1}é".utf8)
    #expect(String(decoding: quotedJSON(text), as: UTF8.self) == #""a\"b\\c\u000a\u0001é""#)
    #expect(JSON(parsing: quotedJSON(text))?.bytes == text)
  }

  @Test func characterClassesAreRead() throws {
    let letters = try #require(CharacterClass(parsing: Bytes(#"\x{61}-\x{7a}\x{e9}\x{7b}"#)))
    #expect(
      [0x60, 0x61, 0x7A, 0x7B, 0x7C, 0xE8, 0xE9, 0xEA].map(letters.contains)
        == [false, true, true, true, false, false, true, false])
    for wrong in ["a", #"\x{}"#, #"\x{61}-"#, #"\x{62}-\x{61}"#, #"\x{110000}"#] {
      #expect(CharacterClass(parsing: Bytes(wrong.utf8)) == nil)
    }
  }
}
