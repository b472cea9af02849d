import Foundation
import TfastText

@testable import TfastRuntime

/// A file or folder in Tests/Fixtures.
func fixturePath(_ name: String) -> String {
  URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Fixtures/\(name)").path
}

func fixture(_ name: String) throws -> Bytes { try readFile(fixturePath(name)) }

/// Whether there is an onnxruntime to run models with.
let hasOnnxRuntime = (try? LibrarySearch.onnxRuntime.find(nil)) != nil
let hasLiteRt = (try? LibrarySearch.liteRt.find(nil)) != nil

/// A copy of a folder of Tests/Fixtures, as long as `body` runs.
func withCopy(of name: String, _ body: (URL) throws -> Void) throws {
  let manager = FileManager.default
  let copy = manager.temporaryDirectory.appendingPathComponent("tfast-\(UUID().uuidString)")
  try manager.copyItem(atPath: fixturePath(name), toPath: copy.path)
  defer { try? manager.removeItem(at: copy) }
  try body(copy)
}

extension URL {
  /// Writes a file of this folder, changed.
  func change(_ file: String, _ body: (String) -> String) throws {
    let url = appendingPathComponent(file)
    try body(String(contentsOf: url, encoding: .utf8)).write(
      to: url, atomically: true, encoding: .utf8)
  }
}
