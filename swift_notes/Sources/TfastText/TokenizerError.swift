/// A tokenizer.json or vocabulary.txt that is not what the portable folder's description says.
public struct TokenizerError: Error, CustomStringConvertible, Sendable {
  public let description: String

  init(_ description: String) { self.description = description }
}
