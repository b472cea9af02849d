import TfastText

/// Numbers for a model's input.
enum TensorValues: Sendable {
  case int32([Int32])
  case uint8(Bytes)

  /// Hands on the numbers in memory, as long as `body` runs.
  func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    switch self {
    case .int32(let values): values.withUnsafeBytes(body)
    case .uint8(let values): values.withUnsafeBytes(body)
    }
  }
}

/// One input: its name, its numbers, and how they are arranged.
struct ModelInput: Sendable {
  let name: String
  let values: TensorValues
  let shape: [Int]
}

/// A model from numbers to one matrix, float32 `(batch, classes)`.
protocol CoreModel: Sendable {
  /// Answers the inputs; safe from any number of threads.
  func probabilities(_ inputs: [ModelInput]) throws(RuntimeError) -> [[Float]]
}

/// The name of a model's only output that is used.
let probabilitiesName = "probabilities"

/// Throws where a model has other inputs than it must have, or does not give probabilities.
func requireNames(inputs: [String], wanted: [String], outputs: [String]) throws(RuntimeError) {
  guard Set(inputs) == Set(wanted), outputs.contains(probabilitiesName) else {
    throw RuntimeError(
      .model,
      "the model must take \(wanted.joined(separator: ", ")) and give \(probabilitiesName); it "
        + "takes \(inputs.joined(separator: ", ")) and gives \(outputs.joined(separator: ", "))")
  }
}

/// A matrix of floats in memory as rows.
func rows(_ data: UnsafeRawPointer, count: Int, length: Int) -> [[Float]] {
  (0..<count).map { row in
    (0..<length).map { column in
      data.load(fromByteOffset: 4 * (row * length + column), as: Float.self)
    }
  }
}
