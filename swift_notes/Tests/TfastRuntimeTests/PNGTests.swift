import Testing
import TfastText

@testable import TfastRuntime

@Suite struct PNGTests {
  private func files() throws -> [JSON] {
    try #require(JSON(parsing: fixture("png.json"))?.elements)
  }

  private func bytes(_ file: JSON, _ name: StaticString) throws -> Bytes {
    try #require(file[name]?.bytes.flatMap(decodedBase64))
  }

  @Test func filesOfEachKindHaveThePixelsThatPillowReads() throws {
    let files = try files()
    #expect(files.count == 10)
    for file in files {
      let image = try PixelImage(file: bytes(file, "png"))
      #expect(image.height == file["height"]?.integer)
      #expect(image.width == file["width"]?.integer)
      #expect(try image.pixels == bytes(file, "pixels"))
    }
  }

  @Test func anyDamageIsRefused() throws {
    let file = try bytes(files()[2], "png")
    for length in file.indices {
      #expect(throws: RuntimeError.self) { try PixelImage(file: Bytes(file[..<length])) }
    }
    for index in file.indices {
      var changed = file
      changed[index] ^= 4
      // Whatever is changed has a checksum.
      #expect(throws: RuntimeError.self) { try PixelImage(file: changed) }
    }
  }

  @Test(arguments: [
    ("too large", 0, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF] as Bytes),
    ("empty", 0, [0, 0, 0, 0]), ("of 16 bits", 8, [16]), ("of unknown colours", 9, [5]),
    ("interlaced", 12, [1]), ("of another size", 3, [200]),
  ])
  func otherHeadersAreRefused(_ what: String, _ position: Int, _ bytes: Bytes) throws {
    var file = try self.bytes(files()[2], "png")
    file.replaceSubrange(16 + position..<16 + position + bytes.count, with: bytes)
    let sum = crc32(Bytes(file[12..<29]))
    let sumBytes = (0..<4).map { UInt8(truncatingIfNeeded: sum >> (24 - 8 * $0)) }
    file.replaceSubrange(29..<33, with: sumBytes)
    #expect(throws: RuntimeError.self, "\(what)") { try PixelImage(file: file) }
  }

  @Test func noStreamEndsTheProgram() throws {
    var numbers = SystemRandomNumberGenerator()
    for file in try files() {
      let png = try bytes(file, "png")
      guard let start = png.firstRange(of: Bytes("IDAT"))?.upperBound else { continue }
      let stream = Bytes(png[start..<png.count - 16])
      for _ in 0..<300 {
        var changed = stream
        let index = Int.random(in: 2..<min(changed.count, 90), using: &numbers)
        changed[index] = UInt8.random(in: 0...255, using: &numbers)
        _ = inflated(zlib: changed, size: 1000)
      }
      for length in stream.indices {
        #expect(inflated(zlib: Bytes(stream[..<length]), size: 1000) == nil)
      }
    }
  }
}
