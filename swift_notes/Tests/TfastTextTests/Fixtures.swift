import Testing

@testable import TfastText

/// The content of a file in Tests/Fixtures.
func fixture(_ name: String) throws -> Bytes {
  let tests = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(2)
  return try readFile(tests.joined(separator: "/") + "/Fixtures/" + name)
}

/// fastai's rules and spaCy's splitting, read once.
let englishTokenizer: TextTokenizer = {
  do {
    return try TextTokenizer(tokenizerJSON: fixture("text/tokenizer.json"))
  } catch {
    fatalError("Tests/Fixtures: \(error)")
  }
}()

extension TextTokenizer {
  func words(_ text: String) -> [String] { words(Bytes(text.utf8)) }

  func words(_ text: Bytes) -> [String] {
    tokens(of: text).tokens.map { String(decoding: $0, as: UTF8.self) }
  }
}
