/// Words that mean something other than themselves, by their ids: they open every vocabulary.
package enum SpecialToken: Int, CaseIterable, Sendable {
  case unknown, padding, textStart, textEnd, field, repeatedCharacter, repeatedWord, allCapitals,
    capitalized

  package var bytes: Bytes {
    switch self {
    case .unknown: Bytes("xxunk")
    case .padding: Bytes("xxpad")
    case .textStart: Bytes("xxbos")
    case .textEnd: Bytes("xxeos")
    case .field: Bytes("xxfld")
    case .repeatedCharacter: Bytes("xxrep")
    case .repeatedWord: Bytes("xxwrep")
    case .allCapitals: Bytes("xxup")
    case .capitalized: Bytes("xxmaj")
    }
  }
}
