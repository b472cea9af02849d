import TfastText

/// Red, green and blue of each pixel, a byte each, row by row from the top.
struct PixelImage: Sendable {
  let height: Int
  let width: Int
  let pixels: Bytes

  init(height: Int, width: Int, pixels: Bytes) {
    self.height = height
    self.width = width
    self.pixels = pixels
  }

  /// Reads a PNG file or a binary PPM file.
  init(file: Bytes) throws(RuntimeError) {
    if file.starts(with: Self.startOfPNG) {
      try self.init(png: file)
    } else if file.starts(with: Bytes("P6")) {
      try self.init(ppm: file)
    } else {
      throw RuntimeError(.input, "an image must be a PNG file or a binary PPM file (P6)")
    }
  }

  /// Reads a binary PPM file: "P6", width, height, 255, then the bytes.
  private init(ppm file: Bytes) throws(RuntimeError) {
    var position = 2
    guard let width = number(file, &position), let height = number(file, &position),
      let levels = number(file, &position), width > 0, height > 0, position < file.count
    else { throw RuntimeError(.input, "a PPM file must begin with P6, width, height and 255") }
    guard levels == 255 else {
      throw RuntimeError(.input, "a PPM file must have 255 levels, got \(levels)")
    }
    let content = file[(position + 1)...]
    guard content.count == 3 * width * height else {
      throw RuntimeError(
        .input,
        "a PPM file of \(width) x \(height) must have \(3 * width * height) bytes of pixels, got "
          + "\(content.count)")
    }
    self.init(height: height, width: width, pixels: Bytes(content))
  }

  /// Resizes until both sides cover `cropRatio` times the wanted ones, and cuts out the centre.
  func prepared(_ settings: FolderDescription.ImageSettings) throws(RuntimeError) -> PixelImage {
    let enlarged = [settings.height, settings.width].map {
      (Double($0) * settings.cropRatio).rounded(.toNearestOrEven)
    }
    // In single precision, as TensorFlow works it out.
    let sides = [Float(height), Float(width)]
    let scale = max(Float(enlarged[0]) / sides[0], Float(enlarged[1]) / sides[1])
    let resized = zip(sides, enlarged).map {
      max(Int(($0 * scale).rounded(.toNearestOrEven)), Int($1))
    }
    let top = (resized[0] - settings.height) / 2
    let left = (resized[1] - settings.width) / 2
    let rows = TriangleFilter(
      from: height, to: resized[0], window: top..<top + settings.height,
      antialias: settings.antialias)
    let columns = TriangleFilter(
      from: width, to: resized[1], window: left..<left + settings.width,
      antialias: settings.antialias)
    return PixelImage(
      height: settings.height, width: settings.width,
      pixels: filtered(rows: rows, columns: columns))
  }

  private func filtered(rows: TriangleFilter, columns: TriangleFilter) -> Bytes {
    var output = Bytes()
    output.reserveCapacity(3 * rows.spans.count * columns.spans.count)
    guard let first = columns.spans.first, let last = columns.spans.last else { return output }
    // Of each row only what the columns see.
    let seen = 3 * first.start..<3 * (last.start + last.weights.count)
    var line = [Float](repeating: 0, count: 3 * width)
    for row in rows.spans {
      for index in seen {
        var sum: Float = 0
        for (offset, weight) in row.weights.enumerated() {
          sum += weight * Float(pixels[3 * width * (row.start + offset) + index])
        }
        line[index] = sum
      }
      for column in columns.spans {
        for channel in 0..<3 {
          var sum: Float = 0
          for (offset, weight) in column.weights.enumerated() {
            sum += weight * line[3 * (column.start + offset) + channel]
          }
          output.append(UInt8(min(max(sum.rounded(.toNearestOrEven), 0), 255)))
        }
      }
    }
    return output
  }
}

/// A decimal number after white space and comments, at most 65536.
private func number(_ file: Bytes, _ position: inout Int) -> Int? {
  while position < file.count {
    if file[position] == UInt8(ascii: "#") {
      while position < file.count, file[position] != 0x0A { position += 1 }
    } else if !(0x09...0x0D ~= file[position] || file[position] == 0x20) {
      break
    }
    position += 1
  }
  var number = 0
  let start = position
  while position < file.count, 0x30...0x39 ~= file[position] {
    number = number * 10 + Int(file[position] - 0x30)
    guard number <= 65536 else { return nil }
    position += 1
  }
  return position > start ? number : nil
}
