/// Why a folder, a library or an input cannot be used; a sentence for people.
public struct RuntimeError: Error, CustomStringConvertible, Sendable {
  /// What kind of thing is wrong.
  public enum Kind: Sendable {
    /// A library is not found, or is not what it should be.
    case library
    /// A folder is missing, damaged or of another kind.
    case folder
    /// A library refuses a model or its answer has another form.
    case model
    /// A text or an image cannot be read.
    case input
  }

  public let kind: Kind
  public let description: String

  init(_ kind: Kind, _ description: String) {
    self.kind = kind
    self.description = description
  }
}
