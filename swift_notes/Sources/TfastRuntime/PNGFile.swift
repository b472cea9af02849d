import TfastText

extension PixelImage {
  static let startOfPNG: Bytes = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

  // As Pillow, which tfast.runtime reads images with: a file of a few kilobytes can hold
  // gigabytes of one colour.
  private static let mostPixels = 178_956_970

  /// Reads a PNG file of 8 bits, not interlaced: grey, red-green-blue or with a palette.
  /// Transparency is dropped.
  ///
  /// Source: the PNG specification, third edition.
  init(png file: Bytes) throws(RuntimeError) {
    let content = try PNGContent(file)
    let header = content.header
    let (width, height) = (number(header, 0), number(header, 4))
    guard width > 0, height > 0 else { throw damaged("its size is \(width) x \(height)") }
    guard max(width, height) <= Self.mostPixels, width * height <= Self.mostPixels else {
      throw RuntimeError(
        .input, "an image must have \(Self.mostPixels) pixels at most, got \(width) x \(height)")
    }
    guard let samples = [0: 1, 2: 3, 3: 1, 4: 2, 6: 4][header[9]] else {
      throw damaged("it has colours of type \(header[9])")
    }
    guard header[8] == 8, header[12] == 0 else {
      throw RuntimeError(.input, "a PNG file must have 8 bits a sample and not be interlaced")
    }
    let length = width * samples
    guard var lines = inflated(zlib: content.data, size: height * (length + 1)),
      unfilter(&lines, length: length, samples: samples)
    else { throw damaged("its pixels cannot be decompressed") }
    var pixels = Bytes()
    pixels.reserveCapacity(3 * width * height)
    for row in 0..<height {
      for column in 0..<width {
        let start = row * (length + 1) + 1 + column * samples
        switch header[9] {
        case 0, 4: pixels += repeatElement(lines[start], count: 3)
        case 3:
          let colour = 3 * Int(lines[start])
          guard colour + 3 <= content.palette.count else { throw damaged("it lacks a colour") }
          pixels += content.palette[colour..<colour + 3]
        default: pixels += lines[start..<start + 3]
        }
      }
    }
    self.init(height: height, width: width, pixels: pixels)
  }
}

/// The parts of a PNG file that make its image.
private struct PNGContent {
  private(set) var header = Bytes()
  private(set) var palette = Bytes()
  private(set) var data = Bytes()

  init(_ file: Bytes) throws(RuntimeError) {
    var position = PixelImage.startOfPNG.count
    while true {
      guard file.count - position >= 12 else { throw damaged("it ends too early") }
      let length = number(file, position)
      guard length <= file.count - position - 12 else { throw damaged("it ends too early") }
      let body = Bytes(file[position + 4..<position + 8 + length])
      let content = body[4...]
      guard Int(crc32(body)) == number(file, position + 8 + length) else {
        throw damaged("a checksum is wrong")
      }
      position += 12 + length
      switch String(decoding: body[..<4], as: UTF8.self) {
      case "IHDR" where content.count == 13: header = Bytes(content)
      case "PLTE": palette = Bytes(content)
      case "IDAT": data += content
      case "IEND":
        guard !header.isEmpty else { throw damaged("it has no header") }
        return
      default: break
      }
    }
  }
}

private func damaged(_ reason: String) -> RuntimeError {
  RuntimeError(.input, "a PNG file is damaged: \(reason)")
}

/// Four bytes, the highest first.
private func number(_ bytes: Bytes, _ position: Int) -> Int {
  bytes[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
}

/// Turns what each line differs from its neighbours by into the line; each has a byte before it
/// that says how.
private func unfilter(_ lines: inout Bytes, length: Int, samples: Int) -> Bool {
  for start in stride(from: 1, to: lines.count, by: length + 1) {
    let filter = lines[start - 1]
    guard filter <= 4 else { return false }
    for index in 0..<length {
      let position = start + index
      let left = index >= samples ? Int(lines[position - samples]) : 0
      let up = start > 1 ? Int(lines[position - length - 1]) : 0
      let leftUp = index >= samples && start > 1 ? Int(lines[position - length - 1 - samples]) : 0
      let guess =
        switch filter {
        case 1: left
        case 2: up
        case 3: (left + up) / 2
        case 4: nearest(left, up, leftUp)
        default: 0
        }
      lines[position] &+= UInt8(guess)
    }
  }
  return true
}

/// The one of three neighbours that is nearest to `left + up - leftUp`.
private func nearest(_ left: Int, _ up: Int, _ leftUp: Int) -> Int {
  let toLeft = abs(up - leftUp)
  let toUp = abs(left - leftUp)
  let toLeftUp = abs(left + up - 2 * leftUp)
  if toLeft <= toUp, toLeft <= toLeftUp { return left }
  return toUp <= toLeftUp ? up : leftUp
}

private let crcTable: [UInt32] = (0..<256).map { number in
  (0..<8).reduce(UInt32(number)) { value, _ in
    value & 1 == 1 ? 0xEDB8_8320 ^ (value >> 1) : value >> 1
  }
}

/// The checksum of a part of a file.
func crc32(_ bytes: Bytes) -> UInt32 {
  ~bytes.reduce(~0) { crcTable[Int(($0 ^ UInt32($1)) & 255)] ^ ($0 >> 8) }
}
