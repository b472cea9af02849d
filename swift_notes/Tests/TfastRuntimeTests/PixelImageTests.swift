import Testing
import TfastText

@testable import TfastRuntime

@Suite struct PixelImageTests {
  private func ppm(_ header: String, _ pixels: Int) -> Bytes {
    Bytes(header.utf8) + Bytes(repeating: 7, count: pixels)
  }

  @Test func headersMayHaveComments() throws {
    let image = try PixelImage(file: ppm("P6 # made by hand\n2\t1 # levels\n255\n", 6))
    #expect(image.width == 2)
    #expect(image.height == 1)
    #expect(image.pixels == Bytes(repeating: 7, count: 6))
  }

  @Test(arguments: [
    ("", 0), ("P5\n1 1\n255\n", 3), ("P6\n1 1\n255\n", 2), ("P6\n1 1\n255\n", 4),
    ("P6\n0 1\n255\n", 0), ("P6\n1 1\n65535\n", 6), ("P6\n99999999999999999999 1\n255\n", 3),
    ("P6\n1", 0), ("P6\n1 1\n255", 0), ("\u{89}PNG", 10), ("GIF89a", 10),
  ])
  func otherFilesAreRefused(_ header: String, _ pixels: Int) {
    #expect(throws: RuntimeError.self) { try PixelImage(file: ppm(header, pixels)) }
  }

  @Test func imagesAreResizedAndCutAsTensorFlowDoes() throws {
    let data = try #require(JSON(parsing: fixture("resized.json")))
    let image = try PixelImage(file: #require(data["ppm"]?.bytes.flatMap(decodedBase64)))
    for entry in try #require(data["resized"]?.elements) {
      let settings = FolderDescription.ImageSettings(
        height: try #require(entry["height"]?.integer),
        width: try #require(entry["width"]?.integer),
        cropRatio: try #require(entry["crop_ratio"]?.number),
        antialias: try #require(entry["antialias"]?.bool as Bool?))
      let expected = try #require(entry["pixels"]?.bytes.flatMap(decodedBase64))
      let found = try image.prepared(settings)
      #expect(found.pixels.count == expected.count)
      let differences = zip(found.pixels, expected).filter { $0 != $1 }
      // Sums in another order: a level that lies between two may be rounded to the other one.
      #expect(differences.allSatisfy { abs(Int($0) - Int($1)) == 1 }, "\(settings)")
      #expect(differences.count * 100 <= expected.count, "\(settings): \(differences.count)")
    }
  }

  @Test func aThinImageTakesNoMoreMemoryThanItsResult() throws {
    let image = PixelImage(height: 1, width: 60000, pixels: Bytes(repeating: 9, count: 180_000))
    let settings = FolderDescription.ImageSettings(
      height: 64, width: 64, cropRatio: 1.14, antialias: true)
    #expect(try image.prepared(settings).pixels == Bytes(repeating: 9, count: 64 * 64 * 3))
  }
}
