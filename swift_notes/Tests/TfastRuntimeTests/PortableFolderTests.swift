import Dispatch
import Foundation
import Synchronization
import Testing
import TfastText

@testable import TfastRuntime

@Suite struct PortableFolderTests {
  @Test(.enabled(if: hasOnnxRuntime, "no onnxruntime"), arguments: ["text", "image"])
  func examplesAreAnsweredAsByTheKerasModel(_ name: String) throws {
    try checkExamples(name)
  }

  @Test(.enabled(if: hasLiteRt, "no ai-edge-litert"))
  func examplesAreAnsweredByLiteRtToo() throws { try checkExamples("image_litert") }

  private func checkExamples(_ name: String) throws {
    let folder = try PortableFolder(path: fixturePath(name))
    #expect(folder.description.examples.count == 5)
    #expect(try folder.checkExamples() < 1e-6)
  }

  // What LiteRT keeps of one call must not be in the way of the next: see LiteRtModel.State.
  @Test(.enabled(if: hasLiteRt, "no ai-edge-litert"))
  func batchesOfLiteRtMayGrowAndShrink() throws {
    let folder = try PortableFolder(path: fixturePath("image_litert"))
    let images = folder.description.examples.map(\.input)
    let alone = try images.map { try folder.classify(images: [$0])[0].probabilities }
    for size in [1, 4, 2, 2, 5, 1, 40, 3] {
      let batch = (0..<size).map { images[$0 % images.count] }
      let answers = try folder.classify(images: batch)
      #expect(answers.count == size)
      for (index, answer) in answers.enumerated() {
        #expect(answer.probabilities == alone[index % images.count])
      }
    }
  }

  @Test(.enabled(if: hasOnnxRuntime, "no onnxruntime"))
  func aBatchIsAnsweredAsItsTextsAlone() throws {
    let folder = try PortableFolder(path: fixturePath("text"))
    let texts = ["A good film!", "", "so so so bad", "\u{0}"].map { Bytes($0.utf8) }
    let together = try folder.classify(texts: texts)
    for (text, answer) in zip(texts, together) {
      let alone = try folder.classify(texts: [text])[0]
      #expect(alone.label == answer.label)
      for (one, other) in zip(alone.probabilities, answer.probabilities) {
        #expect(abs(one - other) < 1e-6)
      }
    }
    #expect(try folder.classify(texts: []).isEmpty)
    #expect(throws: RuntimeError.self) { try folder.classify(images: [Bytes("P6")]) }
  }

  @Test(.enabled(if: hasOnnxRuntime, "no onnxruntime"))
  func manyThreadsMayUseOneFolder() throws {
    let folder = try PortableFolder(path: fixturePath("text"))
    try checkThreads(folder) { try folder.classify(texts: $0) }
  }

  @Test(.enabled(if: hasLiteRt, "no ai-edge-litert"))
  func manyThreadsMayUseOneFolderOfLiteRt() throws {
    let folder = try PortableFolder(path: fixturePath("image_litert"))
    try checkThreads(folder) { try folder.classify(images: $0) }
  }

  private func checkThreads(
    _ folder: PortableFolder, _ classify: @Sendable ([Bytes]) throws -> [Prediction]
  ) throws {
    let inputs = folder.description.examples.map(\.input)
    let expected = try inputs.map { try classify([$0])[0].probabilities }
    let wrong = Mutex(0)
    DispatchQueue.concurrentPerform(iterations: 400) { number in
      let index = number % inputs.count
      let answers = try? classify([Bytes](repeating: inputs[index], count: 1 + number % 3))
      if answers?.last?.probabilities != expected[index] { wrong.withLock { $0 += 1 } }
    }
    #expect(wrong.withLock { $0 } == 0)
  }

  @Test(.enabled(if: hasOnnxRuntime, "no onnxruntime"))
  func examplesBeyondTheToleranceAreReported() throws {
    try withCopy(of: "text") { copy in
      try copy.change("tfast.json") {
        $0.replacingOccurrences(of: "\"tolerance\": 0.0001", with: "\"tolerance\": 0")
          .replacingOccurrences(of: " 0.45", with: " 0.46")
      }
      let folder = try PortableFolder(path: copy.path)
      #expect(throws: RuntimeError.self) { try folder.checkExamples() }
    }
  }

  @Test(arguments: [
    ("text", "model.onnx"), ("text", "vocabulary.txt"), ("text", "tokenizer.json"),
    ("image_litert", "model.tflite"),
  ])
  func aDamagedOrMissingFileIsNamed(_ name: String, _ file: String) throws {
    try withCopy(of: name) { copy in
      let url = copy.appendingPathComponent(file)
      var content = try Data(contentsOf: url)
      content[content.count / 2] ^= 1
      try content.write(to: url)
      try expectError(.folder, about: file) { try PortableFolder(path: copy.path) }
      try FileManager.default.removeItem(at: url)
      try expectError(.folder, about: file) { try PortableFolder(path: copy.path) }
    }
  }

  @Test(arguments: [
    ("\"format\": 1", "\"format\": 4", "newer"), ("\"format\": 1", "\"format\": \"1\"", "format"),
    ("\"kind\": \"text\"", "\"kind\": \"sound\"", "sound"),
    ("\"format\": 1", "\"format\" 1", "JSON"),
    ("\"class_names\": [", "\"class_names\": [3, ", "class_names"),
    ("\"english\"", "\"saved_model\"", "splitter"),
    ("\"max_tokens\": null", "\"max_tokens\": 0", "max_tokens"),
    ("\"model.onnx\": \"", "\"../model.onnx\": \"", "inside"),
    ("\"model\": \"model.onnx\"", "\"model\": \"x/../model.onnx\"", "model"),
    ("\"tokenizer.json\": \"", "\"other.json\": \"", "files must have tokenizer.json"),
    ("\"vocabulary.txt\": \"", "\"other.txt\": \"", "files must have vocabulary.txt"),
    ("\"add_end\": false", "\"add_end\": 0", "add_end"),
    ("\"add_end\": false", "\"add_end\": false, \"split_mentions\": 0", "split_mentions"),
    ("\"probabilities\": [", "\"probabilities\": [1, ", "examples"),
  ])
  func anotherDescriptionIsRefused(_ old: String, _ new: String, _ word: String) throws {
    try withCopy(of: "text") { copy in
      try copy.change("tfast.json") { $0.replacingOccurrences(of: old, with: new) }
      try expectError(.folder, about: word) { try PortableFolder(path: copy.path) }
    }
  }

  @Test func splitMentionsIsReadAndImagesOfLaterFormatsAreRefused() throws {
    try withCopy(of: "text") { copy in
      try copy.change("tfast.json") {
        $0.replacingOccurrences(of: "\"format\": 1", with: "\"format\": 3")
          .replacingOccurrences(of: "\"reverse\"", with: "\"split_mentions\": true, \"reverse\"")
      }
      guard case .text(let settings) = try PortableFolder(path: copy.path).description.kind else {
        Issue.record("it is of texts")
        return
      }
      #expect(settings.options.splitMentions)
    }
    try withCopy(of: "image") { copy in
      try copy.change("tfast.json") {
        $0.replacingOccurrences(of: "\"format\": 1", with: "\"format\": 2")
      }
      try expectError(.folder, about: "images") { try PortableFolder(path: copy.path) }
    }
  }

  @Test func aMissingFolderIsNamed() throws {
    try expectError(.folder, about: "nowhere/tfast.json") { try PortableFolder(path: "nowhere") }
    try expectError(.folder, about: "nowhere/saved_model.pb") { try SavedModel(path: "nowhere") }
  }

  @Test func aMissingOrOtherLibraryIsNamed() throws {
    var options = RuntimeOptions()
    options.onnxRuntimeLibrary = "/nowhere/libonnxruntime.so"
    try expectError(.library, about: "nowhere") {
      try PortableFolder(path: fixturePath("text"), options: options)
    }
    options.liteRtLibrary = "libc.so.6"
    try expectError(.library, about: "LiteRtCreateEnvironment") {
      try PortableFolder(path: fixturePath("image_litert"), options: options)
    }
    options.onnxRuntimeLibrary = "libc.so.6"
    try expectError(.library, about: "OrtGetApiBase") {
      try PortableFolder(path: fixturePath("text"), options: options)
    }
  }

  private func expectError(
    _ kind: RuntimeError.Kind, about word: String, _ body: () throws -> some Any
  ) throws {
    do {
      _ = try body()
      Issue.record("nothing was refused; expected an error about \(word)")
    } catch let error as RuntimeError {
      #expect(error.kind == kind)
      #expect(error.description.contains(word), "\(error)")
      #expect(!error.description.contains("\n"))
    }
  }
}
