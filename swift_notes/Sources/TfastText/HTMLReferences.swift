/// HTML's character references: "&eacute;", "&#233;", "&#xe9;".
struct HTMLReferences: Sendable {
  // By name, without "&": names that need a semicolon have theirs ("eacute;"), others come twice.
  private var names = ByteTable(capacity: 2300)
  private var meanings: [Bytes] = []
  private var longestOpening = 0
  private var oddNumbers: [UInt32: Bytes] = [:]

  /// Reads `html_references` and `html_numbers` of tokenizer.json.
  init(references: JSON?, numbers: JSON?) throws(TokenizerError) {
    guard let references = references?.members, let numbers = numbers?.members else {
      throw TokenizerError("html_references and html_numbers must be objects")
    }
    for (name, value) in references {
      guard let meaning = value.bytes, names.insert(name.span).isNew else {
        throw TokenizerError("html_references must map distinct names to strings")
      }
      meanings.append(meaning)
      if name.last != UInt8(ascii: ";") { longestOpening = max(longestOpening, name.count) }
    }
    for (digits, value) in numbers {
      guard let number = UInt32(String(decoding: digits, as: UTF8.self)), let meaning = value.bytes
      else { throw TokenizerError("html_numbers must map numbers to strings") }
      oddNumbers[number] = meaning
    }
  }

  /// Replaces all references as Python's `html.unescape` does.
  func unescape(_ text: inout Bytes) {
    guard text.span.position(of: UInt8(ascii: "&"), from: 0) != nil else { return }
    let original = text
    let input = original.span
    var output = Bytes()
    output.reserveCapacity(input.count)
    var position = 0
    while position < input.count {
      let length = input[position] == UInt8(ascii: "&") ? referenceLength(input, position) : 0
      if length == 0 {
        output.append(input[position])
        position += 1
      } else {
        append(input.extracting(position..<position + length), to: &output)
        position += length
      }
    }
    text = output
  }

  /// Bytes of what may be a reference, at an "&"; 0 for none.
  private func referenceLength(_ text: Span<UInt8>, _ start: Int) -> Int {
    var position = start + 1
    if position < text.count, text[position] == UInt8(ascii: "#") {
      position += 1
      let isHexadecimal = position < text.count && text[position] | 0x20 == UInt8(ascii: "x")
      if isHexadecimal { position += 1 }
      let digits = position
      while position < text.count, let digit = hexadecimalDigit(text[position]),
        isHexadecimal || digit < 10
      {
        position += 1
      }
      if position == digits { return 0 }
    } else {
      var characters = 0
      while position < text.count, characters < 32, !endsName(text[position]) {
        position += text.codePoint(at: position).length
        characters += 1
      }
      if characters == 0 { return 0 }
    }
    if position < text.count, text[position] == UInt8(ascii: ";") { position += 1 }
    return position - start
  }

  private func append(_ reference: Span<UInt8>, to output: inout Bytes) {
    if reference[1] == UInt8(ascii: "#") {
      appendNumber(reference.extracting(2..<reference.count), to: &output)
      return
    }
    let name = reference.extracting(1..<reference.count)
    if let number = names.number(of: name) {
      output += meanings[number]
      return
    }
    // A name that needs no semicolon may open a longer word; the longest such name counts.
    for length in stride(from: min(longestOpening, name.count), to: 0, by: -1)
    where name[length - 1] != UInt8(ascii: ";") {
      guard let number = names.number(of: name.extracting(0..<length)) else { continue }
      output += meanings[number]
      output.append(name.extracting(length..<name.count))
      return
    }
    output.append(reference)
  }

  /// - Parameter digits: "233;" or "xe9".
  private func appendNumber(_ digits: Span<UInt8>, to output: inout Bytes) {
    let isHexadecimal = digits[0] | 0x20 == UInt8(ascii: "x")
    let base: UInt32 = isHexadecimal ? 16 : 10
    var codePoint: UInt32 = 0
    for index in (isHexadecimal ? 1 : 0)..<digits.count {
      guard let digit = hexadecimalDigit(digits[index]) else { break }
      codePoint = min(codePoint * base + digit, 0x11_0000)
    }
    if codePoint > 0x10_FFFF || 0xD800..<0xE000 ~= codePoint { codePoint = 0xFFFD }
    if let meaning = oddNumbers[codePoint] {
      output += meaning
    } else {
      output.append(codePoint: codePoint)
    }
  }
}

private func endsName(_ byte: UInt8) -> Bool {
  switch byte {
  case 0x09, 0x0A, 0x0C, 0x20, UInt8(ascii: "<"), UInt8(ascii: "&"), UInt8(ascii: "#"),
    UInt8(ascii: ";"):
    return true
  default: return false
  }
}
