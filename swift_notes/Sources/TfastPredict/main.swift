// tfast-predict: labels for texts and images, without Python. See Arguments.usage.

import Glibc
import TfastRuntime
import TfastText

func run() throws {
  let arguments = try Arguments(Array(CommandLine.arguments.dropFirst()))
  if arguments.help {
    try writeAll(Bytes(Arguments.usage.utf8), to: STDOUT_FILENO, name: "standard output")
    return
  }
  let classifier = try Classifier(arguments)

  func answer(_ inputs: [Bytes]) throws {
    for start in stride(from: 0, to: inputs.count, by: arguments.batchSize) {
      let batch = Array(inputs[start..<min(start + arguments.batchSize, inputs.count)])
      let lines = try classifier.classify(batch).map { $0.json + [UInt8(ascii: "\n")] }
      try writeAll(Bytes(lines.joined()), to: STDOUT_FILENO, name: "standard output")
    }
  }

  if arguments.inputs.isEmpty {
    try forEachGroupOfLines(STDIN_FILENO, name: "standard input", answer)
  } else {
    try answer(arguments.inputs.map { Bytes($0.utf8) })
  }
}

// A closed pipe is an error to report, not the end of the program.
signal(SIGPIPE, SIG_IGN)
do {
  try run()
} catch {
  try? writeAll(Bytes("tfast-predict: \(error)\n".utf8), to: STDERR_FILENO, name: "standard error")
  exit(2)
}
