import TfastText

/// Texts to padded ids, as a portable folder says.
struct TextReader: Sendable {
  static let tokenizerFile = "tokenizer.json"
  static let vocabularyFile = "vocabulary.txt"
  private static let padding = Int32(SpecialToken.padding.rawValue)

  private let tokenizer: TextTokenizer
  private let vocabulary: Vocabulary
  private let settings: FolderDescription.TextSettings

  init(folder: String, settings: FolderDescription.TextSettings) throws(RuntimeError) {
    self.settings = settings
    let folder = folder + "/"
    tokenizer = try Self.read(folder + Self.tokenizerFile) { content throws(TokenizerError) in
      try TextTokenizer(tokenizerJSON: content, options: settings.options)
    }
    vocabulary = try Self.read(folder + Self.vocabularyFile) { content throws(TokenizerError) in
      try Vocabulary(text: content)
    }
  }

  /// The ids of all texts, padded at the end to the longest one, and how many ids each text has.
  ///
  /// A text without any token is one padding token.
  func padded(_ texts: [Bytes]) -> (ids: [Int32], lengths: [Int32]) {
    let documents = texts.map(ids)
    let time = documents.map(\.count).max() ?? 0
    var padded: [Int32] = []
    padded.reserveCapacity(time * texts.count)
    for document in documents {
      padded += document
      padded += repeatElement(Self.padding, count: time - document.count)
    }
    return (padded, documents.map { Int32(clamping: $0.count) })
  }

  private func ids(_ text: Bytes) -> [Int32] {
    var ids = vocabulary.ids(of: tokenizer.tokens(of: text))
    if let limit = settings.maxTokens { ids = Array(ids.suffix(limit)) }
    if settings.reverse { ids.reverse() }
    return ids.isEmpty ? [Self.padding] : ids
  }

  private static func read<Value>(
    _ path: String, _ parse: (Bytes) throws(TokenizerError) -> Value
  ) throws(RuntimeError) -> Value {
    do {
      return try parse(try readFile(path))
    } catch let error as FileError {
      throw RuntimeError(.folder, error.description)
    } catch {
      throw RuntimeError(.folder, "\(path): \(error)")
    }
  }
}
