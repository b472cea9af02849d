// tfast-tokens TOKENIZER.JSON [--split-mentions]: tokens of many texts, to compare and to time.
//
// Standard input and output are frames: a length, four bytes, little-endian, then so many bytes. A
// text comes in, its tokens go out with a space between (no token has one). Last, the seconds that
// tokenization took go to standard error.

import Glibc
import TfastText

/// The texts of the frames.
func texts(_ frames: Bytes) -> [Bytes] {
  var texts: [Bytes] = []
  var position = 0
  while position + 4 <= frames.count {
    let length = frames[position..<position + 4].reversed().reduce(0) { $0 << 8 | Int($1) }
    position += 4
    guard position + length <= frames.count else { break }
    texts.append(Bytes(frames[position..<position + length]))
    position += length
  }
  return texts
}

func appendFrame(_ bytes: Bytes, to frames: inout Bytes) {
  frames += (0..<4).map { UInt8(truncatingIfNeeded: bytes.count >> (8 * $0)) }
  frames += bytes
}

func run() throws {
  let arguments = CommandLine.arguments.dropFirst()
  guard let file = arguments.first, [[], ["--split-mentions"]].contains(arguments.dropFirst())
  else {
    throw UsageError(
      description: "needs one file, a portable folder's tokenizer.json, and maybe --split-mentions")
  }
  let options = TextTokenizer.Options(splitMentions: arguments.count == 2)
  let tokenizer = try TextTokenizer(tokenizerJSON: readFile(file), options: options)
  let texts = texts(try readAll(STDIN_FILENO, name: "standard input"))
  var answers: [TokenList] = []
  answers.reserveCapacity(texts.count)
  let duration = ContinuousClock().measure {
    for text in texts { answers.append(tokenizer.tokens(of: text)) }
  }
  var output = Bytes()
  for answer in answers {
    appendFrame(Bytes(answer.tokens.joined(separator: [UInt8(ascii: " ")])), to: &output)
  }
  try writeAll(output, to: STDOUT_FILENO, name: "standard output")
  try writeAll(Bytes("\(duration)\n".utf8), to: STDERR_FILENO, name: "standard error")
}

struct UsageError: Error, CustomStringConvertible { let description: String }

do {
  try run()
} catch {
  try? writeAll(Bytes("tfast-tokens: \(error)\n".utf8), to: STDERR_FILENO, name: "standard error")
  exit(2)
}
