import Testing

@testable import TfastRuntime

@Suite struct LiteRtModelTests {
  private func loaded(inputs: [String] = ["token_ids", "lengths"]) throws -> LiteRtModel {
    let library = try LiteRtLibrary(path: LibrarySearch.liteRt.find(nil))
    return try LiteRtModel(
      path: fixturePath("text.tflite"), library: library, threads: 1, inputs: inputs)
  }

  private func answer(
    _ model: LiteRtModel, id: Int32, rows: Int, time: Int
  ) throws -> [[Float]] {
    try model.probabilities([
      ModelInput(
        name: "token_ids", values: .int32([Int32](repeating: id, count: rows * time)),
        shape: [rows, time]),
      ModelInput(
        name: "lengths", values: .int32([Int32](repeating: Int32(time), count: rows)),
        shape: [rows]),
    ])
  }

  @Test(.enabled(if: hasLiteRt, "no ai-edge-litert"))
  func aFailedCallIsNotInTheWayOfTheNext() throws {
    let model = try loaded()
    let alone = try answer(model, id: 9, rows: 1, time: 3)[0]
    for rows in [4, 1, 6, 2] {
      #expect(try answer(model, id: 9, rows: rows, time: 3).allSatisfy { $0 == alone })
      for _ in 0..<2 {
        let error = #expect(throws: RuntimeError.self) {
          try answer(model, id: 9999, rows: 1, time: 5)
        }
        #expect(error?.description.contains("gather index out of bounds") == true)
      }
      #expect(try answer(model, id: 9, rows: 1, time: 3) == [alone])
    }
  }

  @Test(.enabled(if: hasLiteRt, "no ai-edge-litert"))
  func otherInputsAreRefused() throws {
    #expect(throws: RuntimeError.self) { try loaded(inputs: ["pixels"]) }
    let model = try loaded()
    let flat = ModelInput(name: "token_ids", values: .int32([1, 2]), shape: [2])
    let lengths = ModelInput(name: "lengths", values: .int32([1, 1]), shape: [2])
    #expect(throws: RuntimeError.self) { try model.probabilities([flat, lengths]) }
    #expect(throws: RuntimeError.self) { try model.probabilities([lengths]) }
    let bytes = ModelInput(name: "token_ids", values: .uint8([1, 2]), shape: [2, 1])
    #expect(throws: RuntimeError.self) { try model.probabilities([bytes, lengths]) }
    #expect(try answer(model, id: 9, rows: 2, time: 1).count == 2)
  }
}
