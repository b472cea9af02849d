/// Which words look like an address on the web or a mail address: those are not cut in the middle.
struct Addresses: Sendable {
  // Letters of a host's name, and those of its last part.
  private let letter: CharacterClass
  private let topLevel: CharacterClass
  private let protocolCharacter: CharacterClass

  init(_ data: JSON) throws(TokenizerError) {
    letter = CharacterClass([0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0xA1...0xFFFF])
    topLevel = try characterClass("alpha_lower", in: data)
    let signs = CharacterClass([0x2B...0x2B, 0x2D...0x2E, 0x5F...0x5F])
    protocolCharacter = try characterClass("word", in: data).union(signs)
  }

  /// Whether the whole word is an address, and not a private one.
  func isAddress(_ word: Span<UInt8>) -> Bool {
    var isAddress = false
    for start in hostStarts(word) {
      // The signs that may follow a host are in none; nor is "@", so each byte is read once.
      var end = start
      while end < word.count, !endsHost(word[end]), word[end] != UInt8(ascii: "@") { end += 1 }
      guard isPortAndPath(word.extracting(end..<word.count)) else { continue }
      let host = word.extracting(start..<end)
      if isPrivate(host) { return false }
      isAddress = isAddress || isHost(host)
    }
    return isAddress
  }

  /// Where the host may begin: in front, after a protocol ("http://"), after a user ("me@").
  private func hostStarts(_ word: Span<UInt8>) -> [Int] {
    var starts = [0]
    var position = 0
    var characters = 0
    while position < word.count {
      let (codePoint, length) = word.codePoint(at: position)
      guard protocolCharacter.contains(codePoint) else { break }
      position += length
      characters += 1
    }
    if characters >= 2, word.has(Bytes("://"), at: position) { starts.append(position + 3) }
    for index in word.indices.dropFirst() where word[index] == UInt8(ascii: "@") {
      starts.append(index + 1)
    }
    return starts
  }

  /// Nothing; a port ":80"; a path "/...", "?..." or "#..."; or both.
  private func isPortAndPath(_ rest: Span<UInt8>) -> Bool {
    var position = 0
    if position < rest.count, rest[position] == UInt8(ascii: ":") {
      position += 1
      while position < rest.count, isDigit(rest[position]) { position += 1 }
      guard 2...5 ~= position - 1 else { return false }
    }
    guard position < rest.count else { return true }
    return endsHost(rest[position]) && rest[position] != UInt8(ascii: ":")
  }

  private func isHost(_ host: Span<UInt8>) -> Bool {
    let parts = partsBetweenDots(host)
    guard let last = parts.last, parts.count > 1 else { return false }
    if isTopLevel(host.extracting(last)) {
      return parts.dropLast().allSatisfy { isName(host.extracting($0)) }
    }
    guard parts.count == 4, let numbers = numbers(host, parts) else { return false }
    return (1...223).contains(numbers[0]) && host[parts[0].lowerBound] != UInt8(ascii: "0")
      && [1, 2].allSatisfy { parts[$0].count < 3 || (100...255).contains(numbers[$0]) }
      && (1...254).contains(numbers[3]) && host[parts[3].lowerBound] != UInt8(ascii: "0")
  }

  private func isTopLevel(_ part: Span<UInt8>) -> Bool {
    var position = 0
    var characters = 0
    while position < part.count {
      let (codePoint, length) = part.codePoint(at: position)
      guard topLevel.contains(codePoint) else { return false }
      position += length
      characters += 1
    }
    return characters >= 2
  }

  /// Letters, and "_" and "-" between letters.
  private func isName(_ part: Span<UInt8>) -> Bool {
    var position = 0
    var isLetter = false
    while position < part.count {
      let (codePoint, length) = part.codePoint(at: position)
      isLetter = letter.contains(codePoint)
      let isInner = position > 0 && (codePoint == 0x5F || codePoint == 0x2D)
      guard isLetter || isInner else { return false }
      position += length
    }
    return isLetter
  }

  /// 10.*, 127.*, 169.254.*, 192.168.*, 172.16.* to 172.31.*.
  private func isPrivate(_ host: Span<UInt8>) -> Bool {
    let parts = partsBetweenDots(host)
    guard parts.count == 4, let numbers = numbers(host, parts),
      parts[0].count == (numbers[0] < 100 ? 2 : 3)
    else { return false }
    switch numbers[0] {
    case 10, 127: return true
    case 169: return numbers[1] == 254
    case 192: return numbers[1] == 168
    case 172: return 16...31 ~= numbers[1] && parts[1].count == 2
    default: return false
    }
  }
}

private func endsHost(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: ":"), UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#"): true
  default: false
  }
}

private func partsBetweenDots(_ host: Span<UInt8>) -> [Range<Int>] {
  var parts: [Range<Int>] = []
  var start = 0
  for index in host.indices where host[index] == UInt8(ascii: ".") {
    parts.append(start..<index)
    start = index + 1
  }
  parts.append(start..<host.count)
  return parts
}

/// The parts as numbers of one to three digits, or nil where one is something else.
private func numbers(_ host: Span<UInt8>, _ parts: [Range<Int>]) -> [Int]? {
  var numbers: [Int] = []
  for part in parts {
    guard 1...3 ~= part.count else { return nil }
    var number = 0
    for index in part {
      guard isDigit(host[index]) else { return nil }
      number = number * 10 + Int(host[index] - UInt8(ascii: "0"))
    }
    numbers.append(number)
  }
  return numbers
}
