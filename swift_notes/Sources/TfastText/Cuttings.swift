/// Words, and how each is cut into tokens ("don't": "do n't").
struct Cuttings: Sendable {
  private var words = ByteTable(capacity: 1500)
  private var lengths: [[Int]] = []

  /// Reads an object of tokenizer.json that maps words to their tokens, a space between.
  init(_ table: JSON?, name: String) throws(TokenizerError) {
    guard let members = table?.members else { throw TokenizerError("\(name) must be an object") }
    for (word, value) in members {
      let tokens = (value.bytes ?? []).split(separator: space)
      // Tokens are parts of the word, so that the splitter only has to say where it cuts.
      guard Bytes(tokens.joined()) == word.filter({ $0 != space }), !tokens.isEmpty,
        words.insert(word.span).isNew
      else {
        throw TokenizerError(
          "\(name) must map distinct words to their parts; got "
            + String(decoding: word, as: UTF8.self))
      }
      lengths.append(tokens.map(\.count))
    }
  }

  /// All words, as they were written.
  var keys: [Bytes] { (0..<words.count).map { words[$0] } }

  @inline(__always)
  func contains(_ word: Span<UInt8>) -> Bool { words.number(of: word) != nil }

  /// How many bytes each token of `word` has, or nil for a word that is not listed.
  @inline(__always)
  func lengths(of word: Span<UInt8>) -> [Int]? { words.number(of: word).map { lengths[$0] } }
}
