import Foundation
import TfastGrad

let usage = """
  usage: tfast-grad train FILE
         tfast-grad time FILE ROUNDS
         tfast-grad time-lstm BATCH TIME INPUTS UNITS ROUNDS

  Each prints one line of JSON: the losses and the accuracy of the lesson in FILE, or the seconds
  of each round.
  """

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

func readCount(_ name: String, _ argument: String) -> Int {
  guard let count = Int(argument), count > 0 else {
    fail("\(name) must be a whole number above 0, got \(argument)")
  }
  return count
}

func printJSON(_ value: some Encodable) throws {
  print(String(decoding: try JSONEncoder().encode(value), as: UTF8.self))
}

let arguments = Array(CommandLine.arguments.dropFirst())
switch (arguments.first, arguments.count) {
case ("train", 2):
  try printJSON(readLesson(arguments[1]).train())
case ("time", 3):
  let rounds = readCount("ROUNDS", arguments[2])
  let lesson = readLesson(arguments[1])
  try printJSON(seconds(rounds: rounds) { _ = lesson.train() })
case ("time-lstm", 6):
  let names = ["BATCH", "TIME", "INPUTS", "UNITS", "ROUNDS"]
  let sizes = zip(names, arguments.dropFirst()).map(readCount)
  try printJSON(
    lstmSeconds(
      batch: sizes[0], time: sizes[1], inputs: sizes[2], units: sizes[3], rounds: sizes[4]))
default:
  fail(usage)
}
