import Testing
import TfastText

@testable import TfastRuntime

@Suite struct FormatTests {
  @Test(arguments: [true, false])
  func digestsAreThoseOfTheStandard(_ isAccelerated: Bool) {
    func digest(_ text: String) -> String {
      var hash = SHA256(isAccelerated: isAccelerated)
      hash.update(Bytes(text.utf8).span)
      return hash.finish()
    }
    #expect(
      digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(digest("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    #expect(
      digest(String(repeating: "a", count: 1_000_000))
        == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  @Test func digestsDoNotDependOnTheParts() {
    let data = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    for length in [0, 1, 55, 56, 63, 64, 65, 119, 128, 1000] {
      let whole = data.prefix(length)
      var plain = SHA256(isAccelerated: false)
      plain.update(Bytes(whole).span)
      var parts = SHA256()
      for start in stride(from: 0, to: length, by: 13) {
        parts.update(Bytes(whole[start..<min(start + 13, length)]).span)
      }
      #expect(parts.finish() == plain.finish())
    }
  }

  @Test func base64IsRead() {
    #expect(decodedBase64(Bytes("aGVsbG8=")) == Bytes("hello"))
    #expect(decodedBase64(Bytes("")) == [])
    for wrong in ["aGVsbG8", "a===", "a-==", "===="] {
      #expect(decodedBase64(Bytes(wrong.utf8)) == nil)
    }
  }

  /// A field of bytes; lengths below 128.
  private func field(_ number: UInt8, _ content: Bytes) -> Bytes {
    [number << 3 | 2, UInt8(content.count)] + content
  }

  @Test func namesOfTensorsAreReadFromAMetaGraph() {
    func entry(_ key: String, _ value: Bytes) -> Bytes {
      field(1, Bytes(key.utf8)) + field(2, value)
    }
    let input = field(1, Bytes("serving_default_text:0")) + [2 << 3, 7]
    let output = field(1, Bytes("Call_1:2")) + [2 << 3, 1]
    let signature = field(1, entry("text", input)) + field(2, entry("probabilities", output))
    let metaGraph: Bytes = [1 << 3 | 5, 0, 0, 0, 0] + field(5, entry("serving_default", signature))
    let found = Signature.all(inMetaGraph: metaGraph)["serving_default"]
    #expect(
      found?.inputs == ["text": .init(operation: "serving_default_text", index: 0, type: 7)])
    #expect(found?.outputs == ["probabilities": .init(operation: "Call_1", index: 2, type: 1)])
    // Cut off anywhere, it is less, and no error of memory.
    for length in metaGraph.indices {
      _ = Signature.all(inMetaGraph: Bytes(metaGraph.prefix(length)))
    }
  }

  @Test func onlyKnownVersionsOfOnnxruntimeAreUsed() {
    #expect(OnnxRuntime.isKnown("1.17.0"))
    #expect(OnnxRuntime.isKnown("1.32.0"))
    for other in ["1.16.3", "2.0.0", "0.17", "", "x.y"] { #expect(!OnnxRuntime.isKnown(other)) }
  }

  @Test func predictionsAreOneLineOfJSON() throws {
    let prediction = try Prediction([0.25, 0.75], classNames: ["a", "\"b\""])
    #expect(
      String(decoding: prediction.json, as: UTF8.self)
        == #"{"label": "\"b\"", "probabilities": [0.25, 0.75], "class_names": ["a", "\"b\""]}"#)
    #expect(throws: RuntimeError.self) { try Prediction([.nan, 1], classNames: ["a", "b"]) }
    #expect(throws: RuntimeError.self) { try Prediction([1], classNames: ["a", "b"]) }
  }
}
