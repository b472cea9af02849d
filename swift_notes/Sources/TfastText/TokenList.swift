/// Tokens, one after the other in a single array.
public struct TokenList: Sendable {
  private(set) var bytes = Bytes()
  private(set) var ends: [Int] = []

  public var count: Int { ends.count }

  /// The token of this number.
  public subscript(number: Int) -> Bytes { Array(bytes[range(number)]) }

  /// All tokens.
  public var tokens: [Bytes] { ends.indices.map { self[$0] } }

  func range(_ number: Int) -> Range<Int> {
    (number == 0 ? 0 : ends[number - 1])..<ends[number]
  }

  mutating func append(_ token: Span<UInt8>) {
    bytes.append(token)
    ends.append(bytes.count)
  }

  mutating func append(_ token: SpecialToken) { append(token.bytes.span) }
}
