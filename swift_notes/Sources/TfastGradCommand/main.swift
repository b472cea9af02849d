import Foundation
import TfastGrad

/// `tfast-grad train FILE`: trains as the lesson in FILE says; one line of JSON.
/// `tfast-grad time FILE ROUNDS`: the seconds of ROUNDS such trainings; one line of JSON.
let usage = "usage: tfast-grad train FILE | time FILE ROUNDS"

func fail(_ message: String) -> Never {
  FileHandle.standardError.write(Data((message + "\n").utf8))
  exit(2)
}

func readLesson(_ path: String) -> DigitsLesson {
  do {
    return try DigitsLesson(json: Data(contentsOf: URL(fileURLWithPath: path)))
  } catch {
    fail("FILE must be a lesson in JSON, got \(path)")
  }
}

func printJSON(_ value: some Encodable) throws {
  print(String(decoding: try JSONEncoder().encode(value), as: UTF8.self))
}

let arguments = CommandLine.arguments.dropFirst()
switch (arguments.first, arguments.count) {
case ("train", 2):
  try printJSON(readLesson(arguments[2]).train())
case ("time", 3):
  guard let rounds = Int(arguments[3]), rounds > 0 else {
    fail("ROUNDS must be a whole number above 0, got \(arguments[3])")
  }
  let lesson = readLesson(arguments[2])
  let clock = ContinuousClock()
  let seconds = (0..<rounds).map { _ in
    let elapsed = clock.measure { _ = lesson.train() }
    return Double(elapsed.components.seconds)
      + Double(elapsed.components.attoseconds) * 1e-18
  }
  try printJSON(seconds)
default:
  fail(usage)
}
