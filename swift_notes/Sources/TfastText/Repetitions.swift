private let leastRun = 3

/// Rule `replace_rep`: a character three times or more becomes " xxrep count character ".
func markCharacterRuns(_ text: inout Bytes) {
  guard let first = characterRun(text.span, from: 0) else { return }
  var output = Bytes()
  output.reserveCapacity(text.count + 16)
  var done = 0
  var next: CharacterRun? = first
  while let run = next {
    output += text[done..<run.range.lowerBound]
    let character = text[run.range.lowerBound..<run.range.lowerBound + run.characterLength]
    appendMark(.repeatedCharacter, run.count, character.span, to: &output)
    done = run.range.upperBound
    next = characterRun(text.span, from: done)
  }
  output += text[done...]
  text = output
}

private struct CharacterRun {
  let range: Range<Int>
  let count: Int
  let characterLength: Int
}

/// The first run from `start` on that is long enough and no white space.
private func characterRun(_ text: Span<UInt8>, from start: Int) -> CharacterRun? {
  var position = start
  // Where a character repeats itself, so does its last byte, one character further.
  while position < text.count {
    let length = text[position] < 0x80 ? 1 : text.codePoint(at: position).length
    var end = position + length
    var count = 1
    while end + length <= text.count, text.repeats(length, at: end) {
      end += length
      count += 1
    }
    if count >= leastRun, text.whiteSpaceLength(at: position) == 0 {
      return CharacterRun(range: position..<end, count: count, characterLength: length)
    }
    position = end
  }
  return nil
}

extension Span<UInt8> {
  /// Whether the `length` bytes from `position` on are the same as those before it.
  @inline(__always)
  fileprivate func repeats(_ length: Int, at position: Int) -> Bool {
    for index in position..<position + length where self[index] != self[index - length] {
      return false
    }
    return true
  }
}

/// Rule `replace_wrep`: a word three times or more becomes " xxwrep count word ".
///
/// The last of a run may have something after it ("no no no!"), which stays.
func markWordRuns(_ text: inout Bytes, wordCharacters: CharacterClass) {
  let words = wordsBetweenWhiteSpace(text.span)
  guard hasRepeatedWord(text.span, words) else { return }
  let stems = words.map { stem(of: $0, in: text.span, wordCharacters) }
  var output = Bytes()
  output.reserveCapacity(text.count + 16)
  var done = 0
  var first = 0
  while first < words.count {
    var last = first
    while last + 1 < words.count, stems[last] == words[last], !stems[last].isEmpty,
      text.span.extracting(stems[last + 1]).equals(text.span.extracting(stems[last]))
    {
      last += 1
    }
    if last - first + 1 >= leastRun {
      // The mark brings a space of its own in place of the character before it.
      let start = words[first].lowerBound
      output += text[done..<(first > 0 ? text.span.start(before: start) : start)]
      appendMark(
        .repeatedWord, last - first + 1, text.span.extracting(stems[first]), to: &output)
      done = stems[last].upperBound
    }
    first = last + 1
  }
  output += text[done...]
  text = output
}

/// What is before, between and after white space; the first and the last may be empty.
private func wordsBetweenWhiteSpace(_ text: Span<UInt8>) -> [Range<Int>] {
  var words: [Range<Int>] = []
  words.reserveCapacity(text.count / 5 + 1)
  var (start, position) = (0, 0)
  while position < text.count {
    let length = text.whiteSpaceLength(at: position)
    if length == 0 {
      position += 1
      continue
    }
    words.append(start..<position)
    position += length
    while position < text.count {
      let length = text.whiteSpaceLength(at: position)
      if length == 0 { break }
      position += length
    }
    start = position
  }
  words.append(start..<text.count)
  return words
}

/// Whether some word is the same as the one before it: few texts need more.
private func hasRepeatedWord(_ text: Span<UInt8>, _ words: [Range<Int>]) -> Bool {
  for index in words.indices.dropFirst() where words[index].count == words[index - 1].count {
    if text.extracting(words[index]).equals(text.extracting(words[index - 1])) { return true }
  }
  return false
}

/// The letters, digits and underscores that a word begins with.
private func stem(
  of word: Range<Int>, in text: Span<UInt8>, _ wordCharacters: CharacterClass
) -> Range<Int> {
  var end = word.lowerBound
  while end < word.upperBound {
    let (codePoint, length) = text.codePoint(at: end)
    guard wordCharacters.contains(codePoint) else { break }
    end += length
  }
  return word.lowerBound..<end
}

private func appendMark(
  _ token: SpecialToken, _ count: Int, _ what: Span<UInt8>, to output: inout Bytes
) {
  output.append(space)
  output += token.bytes
  output.append(space)
  output += String(count).utf8
  output.append(space)
  output.append(what)
  output.append(space)
}
